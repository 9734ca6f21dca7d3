/*
 * Second-stage boot: makes the flash readable at full speed.
 *
 * The boot ROM copies the first 256 bytes of flash to the end of SRAM, checks the
 * CRC-32 in the last 4 and enters at the first with LR = 0 and the flash in serial
 * mode (RP2040 datasheet 2.8.1.3.1). Called with another LR, it returns there, so
 * that the port restores XIP with it after the ROM has erased or programmed.
 * Position-independent.
 *
 * XIP is set up for a W25Q16JV (its data sheet, 8.2.12): Fast Read Quad I/O (EBh) in
 * continuous read mode, so that an access is address, mode bits and data on four
 * lanes, without an instruction; SCK = clk_sys / 2, 66.5 MHz at 133 MHz. If quad
 * enable is not set it is set in the volatile copy of the status register, which
 * wears nothing out. A flash that will not have it set is read with 03h on one lane
 * at clk_sys / 4, which every flash of this family knows.
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ VECTOR_TABLE, 0x10000100
    .equ VTOR, 0xe000ed08

/* PADS_QSPI [2.19.6.4] */
    .equ PADS_QSPI, 0x40020000
    .equ PADS_QSPI_CLEAR, 0x40023000
    .equ PADS_SCLK, 0x04
    .equ PADS_SD0, 0x08
    .equ PADS_SD1, 0x0c
    .equ PADS_SD2, 0x10
    .equ PADS_SD3, 0x14
    .equ PADS_SCLK_FAST_8MA, (2 << 4) | 1   /* DRIVE = 8 mA, SLEWFAST */
    .equ PADS_SCHMITT, 1 << 1

/* SSI [4.10.13] */
    .equ SSI, 0x18000000
    .equ CTRLR0, 0x00
    .equ CTRLR1, 0x04
    .equ SSIENR, 0x08
    .equ SER, 0x10
    .equ BAUDR, 0x14
    .equ SR, 0x28
    .equ DR0, 0x60
    .equ RX_SAMPLE_DLY, 0xf0                /* beyond the reach of a 5-bit offset: */
    .equ SPI_CTRLR0, 0xf4 - 0xf0            /* from RX_SAMPLE_DLY on */
    .equ SR_BUSY, 1 << 0
    .equ SR_TFE, 1 << 2
    .equ SR_RFNE, 1 << 3

    .equ FRAME_8_BITS, 7 << 16              /* CTRLR0.DFS_32 */
    .equ FRAME_32_BITS, 31 << 16
    .equ QUAD, 2 << 21                      /* CTRLR0.SPI_FRF */
    .equ READ_AFTER_ADDRESS, 3 << 8         /* CTRLR0.TMOD = EEPROM_READ */
    .equ ADDRESS_24_BITS, 6 << 2            /* SPI_CTRLR0.ADDR_L, in units of 4 bits */
    .equ ADDRESS_32_BITS, 8 << 2            /* 24 of address and 8 mode bits */
    .equ INSTRUCTION_8_BITS, 2 << 8         /* SPI_CTRLR0.INST_L */
    .equ WAIT_4_CYCLES, 4 << 11
    .equ ADDRESS_WIDE, 1                    /* SPI_CTRLR0.TRANS_TYPE: instruction on one lane */
    .equ ALL_WIDE, 2

/* W25Q16JV data sheet, 8.1.2 */
    .equ READ_STATUS_1, 0x05
    .equ READ_STATUS_2, 0x35
    .equ WRITE_STATUS_2, 0x31
    .equ VOLATILE_WRITE_ENABLE, 0x50
    .equ READ_SERIAL, 0x03
    .equ READ_QUAD, 0xeb
    .equ CONTINUOUS_READ, 0xa0              /* mode bits M5-4 = 10 */
    .equ STATUS_2_QUAD_ENABLE, 1 << 1

    .section .boot2, "ax"
    .global boot2
    .type boot2, %function
boot2:
    push {r4-r7, lr}
    ldr r0, =PADS_QSPI
    movs r1, #PADS_SCLK_FAST_8MA
    str r1, [r0, #PADS_SCLK]
    ldr r0, =PADS_QSPI_CLEAR                /* Schmitt triggers add delay to the data inputs */
    movs r1, #PADS_SCHMITT
    str r1, [r0, #PADS_SD0]
    str r1, [r0, #PADS_SD1]
    str r1, [r0, #PADS_SD2]
    str r1, [r0, #PADS_SD3]

    ldr r4, =SSI
    movs r5, #RX_SAMPLE_DLY
    adds r5, r4
    movs r6, #0
    movs r7, #1
    str r6, [r4, #SSIENR]
    movs r0, #2
    str r0, [r4, #BAUDR]
    str r7, [r4, #SER]
    str r7, [r5]                            /* sample one clk_sys later: the round trip at 66.5 MHz */
    ldr r0, =FRAME_8_BITS
    str r0, [r4, #CTRLR0]
    str r7, [r4, #SSIENR]

    bl read_status_2
    bne quad
    movs r0, #VOLATILE_WRITE_ENABLE
    bl exchange_one
    movs r1, #STATUS_2_QUAD_ENABLE
    movs r0, #WRITE_STATUS_2
    bl exchange_two
    bl read_status_2                        /* a volatile write takes 50 ns: nothing to wait for */
    bne quad

    str r6, [r4, #SSIENR]
    movs r0, #4
    str r0, [r4, #BAUDR]
    ldr r0, =FRAME_32_BITS | READ_AFTER_ADDRESS
    ldr r1, =(READ_SERIAL << 24) | INSTRUCTION_8_BITS | ADDRESS_24_BITS
    b enter_xip

quad:
    /* One read with the instruction puts the flash into continuous read mode. */
    str r6, [r4, #SSIENR]
    ldr r0, =QUAD | FRAME_32_BITS | READ_AFTER_ADDRESS
    str r0, [r4, #CTRLR0]
    str r6, [r4, #CTRLR1]
    ldr r1, =INSTRUCTION_8_BITS | ADDRESS_32_BITS | WAIT_4_CYCLES | ADDRESS_WIDE
    str r1, [r5, #SPI_CTRLR0]
    str r7, [r4, #SSIENR]
    movs r0, #READ_QUAD
    movs r1, #CONTINUOUS_READ
    bl exchange_two
    str r6, [r4, #SSIENR]
    ldr r0, =QUAD | FRAME_32_BITS | READ_AFTER_ADDRESS
    ldr r1, =(CONTINUOUS_READ << 24) | ADDRESS_32_BITS | WAIT_4_CYCLES | ALL_WIDE

enter_xip:                                  /* the SSI is off; r0: CTRLR0, r1: SPI_CTRLR0 */
    str r0, [r4, #CTRLR0]
    str r6, [r4, #CTRLR1]
    str r1, [r5, #SPI_CTRLR0]
    str r7, [r4, #SSIENR]

    pop {r4-r7}
    pop {r0}
    cmp r0, #0
    beq start_image
    bx r0
start_image:
    ldr r0, =VECTOR_TABLE
    ldr r1, =VTOR
    str r0, [r1]
    ldm r0!, {r1, r2}
    msr msp, r1
    bx r2

/* Flags: NE if quad enable is set. */
read_status_2:
    push {lr}
    movs r0, #READ_STATUS_2
    bl exchange_two                         /* r1 may be anything */
    movs r1, #STATUS_2_QUAD_ENABLE
    tst r0, r1
    pop {pc}

/* Sends r0, in exchange_two also r1, under one chip select; returns the last answer in r0. */
exchange_two:
    str r0, [r4, #DR0]
    str r1, [r4, #DR0]
    b 1f
exchange_one:
    str r0, [r4, #DR0]
1:  ldr r0, [r4, #SR]
    movs r2, #SR_TFE
    tst r0, r2
    beq 1b
    movs r2, #SR_BUSY
    tst r0, r2
    bne 1b
    movs r2, #SR_RFNE
2:  ldr r0, [r4, #DR0]
    ldr r3, [r4, #SR]
    tst r3, r2
    bne 2b
    bx lr

    .ltorg
    .size boot2, . - boot2
