/*
 * void jr_m33_run_pixel_pair_int4(jr_m33_pixel_pair *pair, uint32_t channel_pairs)
 *
 * Packed weights are multiplied as they are stored, 8 too large; what that is too much, the sums
 * begin without. 30 instructions for 32 products.
 *
 *  r0 inputs  r1, r2 rows of weights  r3 halves of weights  r4, r5 halves of inputs
 *  r6 0x000f000f  r8, r9 words of weights  r10, r11 sums of the first channel, a pixel each
 *  r12, lr of the second
 */
#include "pixel_pair.inc"

    .syntax unified
    .thumb

    /* The weights `bits` up in both words. */
    .macro two_inputs bits
    ldmia   r0!, {r4, r5}
    and     r3, r6, r8, lsr #\bits
    smlad   r10, r3, r4, r10
    smlad   r11, r3, r5, r11
    and     r3, r6, r9, lsr #\bits
    smlad   r12, r3, r4, r12
    smlad   lr, r3, r5, lr
    .endm

    .macro first_two_inputs
    ldmia   r0!, {r4, r5}
    and     r3, r6, r8
    smlad   r10, r3, r4, r10
    smlad   r11, r3, r5, r11
    and     r3, r6, r9
    smlad   r12, r3, r4, r12
    smlad   lr, r3, r5, lr
    .endm

    .section .text.jr_m33_run_pixel_pair_int4, "ax", %progbits
    .global jr_m33_run_pixel_pair_int4
    .type   jr_m33_run_pixel_pair_int4, %function
    .thumb_func
    .align  2
jr_m33_run_pixel_pair_int4:
    enter
.Lchannels:
    begin_channels
    ldrd    r6, r7, [r3, #PAIR_EXCESS]
    sub     r10, r10, r6
    sub     r11, r11, r7
    sub     r12, r12, r6
    sub     lr, lr, r7
    mov     r6, #0x000f000f
    lsrs    r7, r4, #1                  /* whole words */
    beq     .Lhalf
    add     r7, r1, r7, lsl #2
.Lwords:
    ldr     r8, [r1], #4
    ldr     r9, [r2], #4
    first_two_inputs
    two_inputs 4
    two_inputs 8
    two_inputs 12
    cmp     r1, r7
    bne     .Lwords
    ldr     r3, [sp, #FRAME_PAIR]
    ldr     r4, [r3, #PAIR_QUADS]
.Lhalf:
    lsls    r4, #31                     /* N: and half of one */
    bpl     .Lscale
    ldr     r8, [r1]
    ldr     r9, [r2]
    first_two_inputs
    two_inputs 4
.Lscale:
    end_channels
    bne     .Lchannels
    leave
    .size   jr_m33_run_pixel_pair_int4, . - jr_m33_run_pixel_pair_int4
