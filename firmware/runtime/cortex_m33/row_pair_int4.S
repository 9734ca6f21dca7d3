/*
 * void jr_m33_run_row_pairs_int4(jr_m33_row_pair *pair, uint32_t output_pairs)
 *
 * Packed weights are multiplied as they are stored, 8 too large; what that is too much, the sums
 * begin without. 19 instructions for 16 products.
 *
 *  r0, r1 sums  r2 inputs  r3, r12 rows of weights  r4-r7 halves of inputs
 *  r8, r10 words of weights  r9 0x000f000f  r11 end of the first row  lr halves of weights
 */
#include "row_pair.inc"

    .syntax unified
    .thumb

    .macro multiply sum, weights, bits, inputs
    and     lr, r9, \weights, lsr #\bits
    smlad   \sum, lr, \inputs, \sum
    .endm

    .macro multiply_lowest sum, weights, inputs
    and     lr, r9, \weights
    smlad   \sum, lr, \inputs, \sum
    .endm

    .macro multiply_word sum, weights
    multiply_lowest \sum, \weights, r4
    multiply \sum, \weights, 4, r5
    multiply \sum, \weights, 8, r6
    multiply \sum, \weights, 12, r7
    .endm

    .macro eight_inputs
    ldr     r8, [r3], #4
    ldmia   r2!, {r4-r7}
    ldr     r10, [r12], #4
    multiply_word r0, r8
    multiply_word r1, r10
    .endm

    .section .text.jr_m33_run_row_pairs_int4, "ax", %progbits
    .global jr_m33_run_row_pairs_int4
    .type   jr_m33_run_row_pairs_int4, %function
    .thumb_func
    .align  2
jr_m33_run_row_pairs_int4:
    enter
.Loutputs:
    begin_outputs
    ldr     r8, [r7, #PAIR_EXCESS]
    subs    r0, r0, r8
    subs    r1, r1, r8
    add     r11, r4, r3, lsl #1         /* two quads a word */
    lsls    r8, r3, #30                 /* N: one word over, C: two words over */
    mov     r3, r4
    mov     r9, #0x000f000f
    bpl     .Ltwo_words
    eight_inputs
.Ltwo_words:
    bcc     .Lrest
    eight_inputs
    eight_inputs
.Lrest:
    cmp     r3, r11
    beq     .Lscale
.Lfour_words:
    .rept   4
    eight_inputs
    .endr
    cmp     r3, r11
    bne     .Lfour_words
.Lscale:
    end_outputs
    bne     .Loutputs
    leave
    .size   jr_m33_run_row_pairs_int4, . - jr_m33_run_row_pairs_int4
