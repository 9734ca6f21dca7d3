/*
 * void jr_m33_add_row_pair(int32_t sums[2], const uint32_t *inputs, const int8_t *weights,
 *                          uint32_t quads, uint32_t row_step)
 *
 * 19 instructions for 16 products.
 *
 *  r0 sums  r1 inputs  r2, r3 rows of weights  r4-r7 halves of inputs  r8, r9 words of the first
 *  row, r10, r11 of the second  r12 halves of weights, end of the first row  lr, r0 the sums
 */
    .syntax unified
    .thumb

    .equ    FRAME_SUMS, 0
    .equ    FRAME_END, 4
    .equ    FRAME_BYTES, 8
    .equ    ROW_STEP, FRAME_BYTES + 9 * 4

    .macro eight_inputs
    ldrd    r8, r9, [r2], #8
    ldmia   r1!, {r4-r7}
    ldrd    r10, r11, [r3], #8
    sxtb16  r12, r8
    smlad   lr, r12, r4, lr
    sxtb16  r8, r8, ror #8
    smlad   lr, r8, r5, lr
    sxtb16  r12, r10
    smlad   r0, r12, r4, r0
    sxtb16  r10, r10, ror #8
    smlad   r0, r10, r5, r0
    sxtb16  r12, r9
    smlad   lr, r12, r6, lr
    sxtb16  r9, r9, ror #8
    smlad   lr, r9, r7, lr
    sxtb16  r12, r11
    smlad   r0, r12, r6, r0
    sxtb16  r11, r11, ror #8
    smlad   r0, r11, r7, r0
    .endm

    .section .text.jr_m33_add_row_pair, "ax", %progbits
    .global jr_m33_add_row_pair
    .type   jr_m33_add_row_pair, %function
    .thumb_func
    .align  2
jr_m33_add_row_pair:
    push    {r4-r11, lr}
    sub     sp, #FRAME_BYTES
    str     r0, [sp, #FRAME_SUMS]
    ldr     r4, [sp, #ROW_STEP]
    ldrd    lr, r0, [r0]
    add     r12, r2, r3, lsl #2
    str     r12, [sp, #FRAME_END]
    mov     r5, r3
    add     r3, r2, r4
    tst     r5, #1
    beq     .Lpairs_of_quads
    ldr     r8, [r2], #4
    ldmia   r1!, {r4, r5}
    ldr     r10, [r3], #4
    sxtb16  r9, r8
    smlad   lr, r9, r4, lr
    sxtb16  r8, r8, ror #8
    smlad   lr, r8, r5, lr
    sxtb16  r9, r10
    smlad   r0, r9, r4, r0
    sxtb16  r10, r10, ror #8
    smlad   r0, r10, r5, r0
.Lpairs_of_quads:
    cmp     r2, r12
    beq     .Ldone
    sub     r12, r12, r2
    tst     r12, #8
    beq     .Lsixteen
    eight_inputs
    b       .Ltest
.Lsixteen:
    eight_inputs
    eight_inputs
.Ltest:
    ldr     r12, [sp, #FRAME_END]
    cmp     r2, r12
    bne     .Lsixteen
.Ldone:
    ldr     r1, [sp, #FRAME_SUMS]
    strd    lr, r0, [r1]
    add     sp, #FRAME_BYTES
    pop     {r4-r11, pc}
    .size   jr_m33_add_row_pair, . - jr_m33_add_row_pair
