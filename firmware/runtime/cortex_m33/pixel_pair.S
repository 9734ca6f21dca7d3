/*
 * void jr_m33_run_pixel_pair(jr_m33_pixel_pair *pair, uint32_t channel_pairs)
 *
 * Four sums in registers: each word of weights is used for two pixels, each word of inputs for
 * two channels. 15 instructions for 16 products.
 *
 *  r0 inputs  r1, r2 rows of weights  r3 halves of weights  r4-r7 halves of inputs
 *  r8, r9 words of weights  r10, r11 sums of the first channel, a pixel each  r12, lr of the second
 */
#include "scaling.inc"

    .syntax unified
    .thumb

    .equ    PAIR_WEIGHTS, 8
    .equ    PAIR_BIAS, 16
    .equ    PAIR_MULTIPLIERS, 20

    /* The frame: the pair, the end of the first row, pairs of channels left. */
    .equ    FRAME_PAIR, 0
    .equ    FRAME_END, 4
    .equ    FRAME_LEFT, 8
    .equ    FRAME_BYTES, 12

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
    push    {r4-r11, lr}
    sub     sp, #FRAME_BYTES
    str     r0, [sp, #FRAME_PAIR]
    str     r1, [sp, #FRAME_LEFT]
.Lchannels:
    ldr     r3, [sp, #FRAME_PAIR]
    ldmia   r3, {r0, r4-r7}             /* inputs, quads, weights, row_step, bias */
    mov     r1, r5
    add     r2, r5, r6
    add     r8, r5, r4, lsl #2
    str     r8, [sp, #FRAME_END]
    add     r9, r2, r6
    str     r9, [r3, #PAIR_WEIGHTS]
    ldrd    r10, r12, [r7], #8
    str     r7, [r3, #PAIR_BIAS]
    mov     r11, r10
    mov     lr, r12
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

    ldr     r0, [sp, #FRAME_PAIR]
    adds    r0, #PAIR_MULTIPLIERS
    ldmia   r0, {r1-r5}                 /* multipliers, shifts, rounding, outputs */
    ldrd    r6, r7, [r1], #8
    ldrsb   r8, [r2], #1
    ldrsb   r9, [r2], #1
    mvn     r8, r8
    mvn     r9, r9
    scale   r10, r6, r8, r3
    scale   r11, r6, r8, r3
    scale   r12, r7, r9, r3
    scale   lr, r7, r9, r3
    strb    r11, [r5], #1               /* first: where both are one pixel, the other goes over it */
    strb    lr, [r5], #1
    strb    r10, [r4], #1
    strb    r12, [r4], #1
    stmia   r0, {r1-r5}
    ldr     r1, [sp, #FRAME_LEFT]
    subs    r1, #1
    str     r1, [sp, #FRAME_LEFT]
    bne     .Lchannels
    add     sp, #FRAME_BYTES
    pop     {r4-r11, pc}
    .size   jr_m33_run_pixel_pair, . - jr_m33_run_pixel_pair
