/*
 * void jr_m33_run_row_pairs(jr_m33_row_pair *pair, uint32_t output_pairs)
 *
 * Each weight is used once, so it is loading and expanding them that counts: 19 instructions for
 * 16 products.
 *
 *  r0, r1 sums  r2 inputs  r3, r12 rows of weights  r4-r7 halves of inputs
 *  r8, r9 weights of the first row, r10, r11 of the second  lr halves of weights
 */
#include "scaling.inc"

    .syntax unified
    .thumb

    .equ    PAIR_WEIGHTS, 8
    .equ    PAIR_BIAS, 16
    .equ    PAIR_MULTIPLIERS, 20
    .equ    PAIR_CHANNEL_STEP, 36

    /* The frame: the pair, the end of the first row, pairs of outputs left. */
    .equ    FRAME_PAIR, 0
    .equ    FRAME_END, 4
    .equ    FRAME_LEFT, 8
    .equ    FRAME_BYTES, 12

    .macro multiply sum, weights, even, odd
    sxtb16  lr, \weights
    smlad   \sum, lr, \even, \sum
    sxtb16  \weights, \weights, ror #8
    smlad   \sum, \weights, \odd, \sum
    .endm

    .macro four_inputs
    ldr     r8, [r3], #4
    ldmia   r2!, {r4, r5}
    ldr     r10, [r12], #4
    multiply r0, r8, r4, r5
    multiply r1, r10, r4, r5
    .endm

    .macro eight_inputs
    ldrd    r8, r9, [r3], #8
    ldmia   r2!, {r4-r7}
    ldrd    r10, r11, [r12], #8
    multiply r0, r8, r4, r5
    multiply r1, r10, r4, r5
    multiply r0, r9, r6, r7
    multiply r1, r11, r6, r7
    .endm

    .section .text.jr_m33_run_row_pairs, "ax", %progbits
    .global jr_m33_run_row_pairs
    .type   jr_m33_run_row_pairs, %function
    .thumb_func
    .align  2
jr_m33_run_row_pairs:
    push    {r4-r11, lr}
    sub     sp, #FRAME_BYTES
    str     r0, [sp, #FRAME_PAIR]
    str     r1, [sp, #FRAME_LEFT]
.Loutputs:
    ldr     r7, [sp, #FRAME_PAIR]
    ldmia   r7, {r2-r6}                 /* inputs, quads, weights, row_step, bias */
    lsls    r8, r3, #31                 /* N: one quad over, C: two quads over */
    add     r9, r4, r3, lsl #2
    str     r9, [sp, #FRAME_END]
    mov     r3, r4
    add     r12, r3, r5
    add     r5, r12, r5
    str     r5, [r7, #PAIR_WEIGHTS]
    ldrd    r0, r1, [r6], #8
    str     r6, [r7, #PAIR_BIAS]
    bpl     .Ltwo_quads
    four_inputs
.Ltwo_quads:
    bcc     .Lrest
    eight_inputs
.Lrest:
    ldr     r4, [sp, #FRAME_END]
    subs    r4, r4, r3
    beq     .Lscale
    tst     r4, #16
    bne     .Lfour_quads
.Leight_quads:
    eight_inputs
    eight_inputs
.Lfour_quads:
    eight_inputs
    eight_inputs
    ldr     r4, [sp, #FRAME_END]
    cmp     r3, r4
    bne     .Leight_quads

.Lscale:
    ldr     r12, [sp, #FRAME_PAIR]
    ldr     r11, [r12, #PAIR_CHANNEL_STEP]
    add     r12, #PAIR_MULTIPLIERS
    ldmia   r12, {r2-r5}                /* multipliers, shifts, rounding, output */
    ldr     r6, [r2]
    ldrsb   r8, [r3]
    ldr     r7, [r2, r11, lsl #2]
    ldrsb   r9, [r3, r11]
    add     r2, r2, r11, lsl #3
    add     r3, r3, r11, lsl #1
    mvn     r8, r8
    mvn     r9, r9
    scale   r0, r6, r8, r4
    scale   r1, r7, r9, r4
    strb    r0, [r5], #1
    strb    r1, [r5], #1
    stmia   r12, {r2-r5}
    ldr     r1, [sp, #FRAME_LEFT]
    subs    r1, #1
    str     r1, [sp, #FRAME_LEFT]
    bne     .Loutputs
    add     sp, #FRAME_BYTES
    pop     {r4-r11, pc}
    .size   jr_m33_run_row_pairs, . - jr_m33_run_row_pairs
