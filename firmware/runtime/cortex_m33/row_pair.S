/*
 * void jr_m33_run_row_pairs(jr_m33_row_pair *pair, uint32_t output_pairs)
 *
 * Each weight is used once, so it is loading and expanding them that counts: 19 instructions for
 * 16 products.
 *
 *  r0, r1 sums  r2 inputs  r3, r12 rows of weights  r4-r7 halves of inputs
 *  r8, r9 weights of the first row, r10, r11 of the second  lr halves of weights
 */
#include "row_pair.inc"

    .syntax unified
    .thumb

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
    enter
.Loutputs:
    begin_outputs
    lsls    r8, r3, #31                 /* N: one quad over, C: two quads over */
    add     r9, r4, r3, lsl #2
    str     r9, [sp, #FRAME_END]
    mov     r3, r4
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
    end_outputs
    bne     .Loutputs
    leave
    .size   jr_m33_run_row_pairs, . - jr_m33_run_row_pairs
