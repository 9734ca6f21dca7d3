/*
 * void jr_m33_run_depthwise_3x3_even(const jr_m33_depthwise_3x3 *convolution)
 * void jr_m33_run_depthwise_3x3_odd(const jr_m33_depthwise_3x3 *convolution)
 *
 * The kernel stays in registers. 12 multiplications for the 18 products of two outputs, one below
 * the other; where windows overlap, two such pairs side by side share their input.
 *
 *  r0, r1 pairs of input rows  r2 output  r3 input; parameters  r4-r9 columns of the kernel
 *  r10, r11 sums of a column of outputs  r12, lr of the next; input; parameters
 */
#include "scaling.inc"

    .syntax unified
    .thumb

    /* The frame: the first thirteen words of the structure, and four of its own. */
    .equ    BIAS, 0
    .equ    MULTIPLIER, 4
    .equ    RIGHT, 8
    .equ    ROUNDING, 12
    .equ    ROW_STEP, 16
    .equ    PIXEL_STEP, 20
    .equ    INPUT_STEP, 24
    .equ    PAIRS_WIDTH, 28
    .equ    PAIR_STEP, 36
    .equ    STRIP_STEP, 40
    .equ    STRIPS, 48
    .equ    OUTPUT, 52
    .equ    INPUT, 56
    .equ    PAIRS_END, 60
    .equ    END, 64
    .equ    FRAME_BYTES, 68

    .macro upper_rows sum, below, column
    smlad   \sum, r3, \column, \sum
    smlatb  \below, r3, \column, \below
    .endm

    .macro lower_rows sum, below, column
    smlabt  \sum, r3, \column, \sum
    smlad   \below, r3, \column, \below
    .endm

    .macro load from, offset, rotation
    ldr     r3, [\from, #\offset]
    sxtb16  r3, r3, ror #\rotation
    .endm

    /* Two columns of outputs, whose windows have two columns in common. */
    .macro two_windows rows, from, column0, column1, column2, rotation
    load    \from, 0, \rotation
    \rows   r10, r11, \column0
    load    \from, 4, \rotation
    \rows   r10, r11, \column1
    \rows   r12, lr, \column0
    load    \from, 8, \rotation
    \rows   r10, r11, \column2
    \rows   r12, lr, \column1
    load    \from, 12, \rotation
    \rows   r12, lr, \column2
    .endm

    .macro one_window rows, from, column0, column1, column2, rotation
    load    \from, 0, \rotation
    \rows   r10, r11, \column0
    load    \from, 4, \rotation
    \rows   r10, r11, \column1
    load    \from, 8, \rotation
    \rows   r10, r11, \column2
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
    ldmia   r0!, {r1-r12, lr}
    stmia   sp, {r1-r12, lr}
    ldmia   r0, {r2-r9}
    mov     r0, r3
1:
    str     r2, [sp, #OUTPUT]
    str     r0, [sp, #INPUT]
    ldrd    r1, r3, [sp, #PAIRS_WIDTH]  /* and WIDTH */
    add     r1, r0
    add     r3, r0
    strd    r1, r3, [sp, #PAIRS_END]    /* and END */
    ldr     r3, [sp, #PAIR_STEP]
    add     r1, r0, r3
    b       3f
2:
    ldr     r10, [sp, #BIAS]
    mov     r11, r10
    mov     r12, r10
    mov     lr, r10
    two_windows upper_rows, r0, r4, r6, r8, \rotation
    two_windows lower_rows, r1, r5, r7, r9, \rotation
    ldr     r3, [sp, #MULTIPLIER]
    multiply_high r10, r3
    multiply_high r11, r3
    multiply_high r12, r3
    multiply_high lr, r3
    ldr     r3, [sp, #RIGHT]
    asr     r10, r10, r3
    asr     r11, r11, r3
    asr     r12, r12, r3
    asr     lr, lr, r3
    ldr     r3, [sp, #ROUNDING]
    round   r10, r3
    round   r11, r3
    round   r12, r3
    round   lr, r3
    ldr     r3, [sp, #ROW_STEP]
    add     r3, r2
    strb    r11, [r3]                   /* first: where there is no row below, the others */
    ldr     r11, [sp, #PIXEL_STEP]      /* go over it */
    strb    lr, [r3, r11]
    strb    r10, [r2]
    strb    r12, [r2, r11]
    add     r2, r2, r11, lsl #1
    adds    r0, #8
    adds    r1, #8
3:
    ldr     r3, [sp, #PAIRS_END]
    cmp     r0, r3
    bne     2b
    b       5f
4:
    ldr     r10, [sp, #BIAS]
    mov     r11, r10
    one_window upper_rows, r0, r4, r6, r8, \rotation
    one_window lower_rows, r1, r5, r7, r9, \rotation
    ldrd    r3, r12, [sp, #MULTIPLIER]  /* and RIGHT */
    ldr     lr, [sp, #ROUNDING]
    scale   r10, r3, r12, lr
    scale   r11, r3, r12, lr
    ldrd    r3, r12, [sp, #ROW_STEP]    /* and PIXEL_STEP */
    strb    r11, [r2, r3]               /* first, as above */
    strb    r10, [r2]
    add     r2, r12
    ldr     r3, [sp, #INPUT_STEP]
    add     r0, r3
    add     r1, r3
5:
    ldr     r3, [sp, #END]
    cmp     r0, r3
    bne     4b

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
