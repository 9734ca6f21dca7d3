/*
 * void jr_m33_run_pixel_pair(jr_m33_pixel_pair *pair, uint32_t channel_pairs)
 *
 * Four sums in registers: each word of weights is used for two pixels, each word of inputs for
 * two channels. 15 instructions for 16 products.
 *
 *  r0 inputs  r1, r2 rows of weights  r3 halves of weights  r4-r7 halves of inputs
 *  r8, r9 words of weights  r10, r11 sums of the first channel, a pixel each  r12, lr of the second
 */
#include "pixel_pair.inc"

    .syntax unified
    .thumb

    .macro four_inputs
    ldr     r8, [r1], #4
    ldmia   r0!, {r4-r7}
    ldr     r9, [r2], #4
    sxtb16  r3, r8
    smlad   r10, r3, r4, r10
    smlad   r11, r3, r5, r11
    sxtb16  r3, r9
    smlad   r12, r3, r4, r12
    smlad   lr, r3, r5, lr
    sxtb16  r8, r8, ror #8
    smlad   r10, r8, r6, r10
    smlad   r11, r8, r7, r11
    sxtb16  r9, r9, ror #8
    smlad   r12, r9, r6, r12
    smlad   lr, r9, r7, lr
    .endm

    .section .text.jr_m33_run_pixel_pair, "ax", %progbits
    .global jr_m33_run_pixel_pair
    .type   jr_m33_run_pixel_pair, %function
    .thumb_func
    .align  2
jr_m33_run_pixel_pair:
    enter
.Lchannels:
    begin_channels
    add     r8, r1, r4, lsl #2
    str     r8, [sp, #FRAME_END]
    and     r4, #3
    tbb     [pc, r4]                    /* the first time round, what four leave over */
.Lentries:
    .byte   (.Lfour - .Lentries) / 2
    .byte   (.Lone - .Lentries) / 2
    .byte   (.Ltwo - .Lentries) / 2
    .byte   (.Lthree - .Lentries) / 2
.Lfour:
    four_inputs
.Lthree:
    four_inputs
.Ltwo:
    four_inputs
.Lone:
    four_inputs
    ldr     r3, [sp, #FRAME_END]
    cmp     r1, r3
    bne     .Lfour

    end_channels
    bne     .Lchannels
    leave
    .size   jr_m33_run_pixel_pair, . - jr_m33_run_pixel_pair
