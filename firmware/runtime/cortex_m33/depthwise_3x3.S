/*
 * void jr_m33_run_depthwise_3x3_even(const jr_m33_depthwise_3x3 *convolution)
 * void jr_m33_run_depthwise_3x3_odd(const jr_m33_depthwise_3x3 *convolution)
 *
 * The kernel stays in registers. 12 multiplications for the 18 products of two outputs, one below
 * the other.
 *
 *  r0, r1 pairs of input rows  r2 output  r3, r12, lr input; parameters
 *  r4-r9 columns of the kernel  r10 sum, r11 sum of the row below
 */
#include "scaling.inc"

    .syntax unified
    .thumb

    /* The frame: the first twelve words of the structure, and three of its own. */
    .equ    BIAS, 0
    .equ    MULTIPLIER, 4
    .equ    ROUNDING, 12
    .equ    ROW_STEP, 16
    .equ    PIXEL_STEP, 20
    .equ    INPUT_STEP, 24
    .equ    WIDTH, 28
    .equ    PAIR_STEP, 32
    .equ    STRIP_STEP, 36
    .equ    STRIP_OUTPUT_STEP, 40
    .equ    STRIPS, 44
    .equ    OUTPUT, 48
    .equ    INPUT, 52
    .equ    END, 56
    .equ    FRAME_BYTES, 60

    .macro upper_rows input, column, rotation
    sxtb16  \input, \input, ror #\rotation
    smlad   r10, \input, \column, r10
    smlatb  r11, \input, \column, r11
    .endm

    .macro lower_rows input, column, rotation
    sxtb16  \input, \input, ror #\rotation
    smlabt  r10, \input, \column, r10
    smlad   r11, \input, \column, r11
    .endm

    .macro depthwise_3x3 name, rotation
    .section .text.\name, "ax", %progbits
    .global \name
    .type   \name, %function
    .thumb_func
    .align  2
\name:
    push    {r4-r11, lr}
    sub     sp, #FRAME_BYTES
    ldmia   r0!, {r1-r12}
    stmia   sp, {r1-r12}
    ldmia   r0, {r2-r9}
    mov     r0, r3
1:
    str     r2, [sp, #OUTPUT]
    str     r0, [sp, #INPUT]
    ldrd    r1, r3, [sp, #WIDTH]        /* and PAIR_STEP */
    add     r1, r0
    str     r1, [sp, #END]
    add     r1, r0, r3
2:
    ldr     r10, [sp, #BIAS]
    ldmia   r0, {r3, r12, lr}
    mov     r11, r10
    upper_rows r3, r4, \rotation
    upper_rows r12, r6, \rotation
    upper_rows lr, r8, \rotation
    ldmia   r1, {r3, r12, lr}
    lower_rows r3, r5, \rotation
    lower_rows r12, r7, \rotation
    lower_rows lr, r9, \rotation
    ldrd    r3, r12, [sp, #MULTIPLIER]  /* and right */
    ldr     lr, [sp, #ROUNDING]
    scale   r10, r3, r12, lr
    scale   r11, r3, r12, lr
    ldrd    r3, r12, [sp, #ROW_STEP]    /* and PIXEL_STEP */
    strb    r11, [r2, r3]               /* first: the other one goes over it where there is one */
    strb    r10, [r2]
    add     r2, r12
    ldr     r3, [sp, #INPUT_STEP]
    add     r0, r3
    add     r1, r3
    ldr     r12, [sp, #END]
    cmp     r0, r12
    bne     2b
    ldr     r0, [sp, #INPUT]
    ldr     r2, [sp, #OUTPUT]
    ldrd    r3, r12, [sp, #STRIP_STEP]  /* and STRIP_OUTPUT_STEP */
    add     r0, r3
    add     r2, r12
    ldr     r3, [sp, #STRIPS]
    subs    r3, #1
    str     r3, [sp, #STRIPS]
    bne     1b
    add     sp, #FRAME_BYTES
    pop     {r4-r11, pc}
    .size   \name, . - \name
    .endm

    depthwise_3x3 jr_m33_run_depthwise_3x3_even, 0
    depthwise_3x3 jr_m33_run_depthwise_3x3_odd, 8
