/* A minimal second stage for the test images: W25Q EBh continuous read at clk_sys / BAUDR, then the vector table. */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .boot2, "ax"

#ifndef BAUDR
#define BAUDR 2
#endif

    .global boot2
    .thumb_func
boot2:
    ldr r3, =0x18000000             /* SSI */
    movs r0, #0
    str r0, [r3, #0x08]             /* SSIENR off */
    movs r0, #BAUDR
    str r0, [r3, #0x14]             /* BAUDR */
    ldr r0, =(2 << 21) | (31 << 16) | (3 << 8)
    str r0, [r3, #0x00]             /* CTRLR0: four lanes, 32-bit frames, EEPROM read */
    movs r0, #0
    str r0, [r3, #0x04]             /* CTRLR1 */
    ldr r0, =(0xa0 << 24) | (4 << 11) | (8 << 2) | 2
    ldr r1, =0x180000f4
    str r0, [r1]                    /* SPI_CTRLR0: mode bits, 4 wait clocks, 8 nibbles of address */
    movs r0, #1
    str r0, [r3, #0x08]             /* SSIENR on */
    ldr r0, =0x10000100
    ldr r1, =0xe000ed08
    str r0, [r1]                    /* VTOR */
    ldmia r0!, {r1, r2}
    msr msp, r1
    bx r2
    .pool
