/*
 * The parts of ../requantize.h. The products of 32 by 32 bits are added up column by column, of
 * bytes; all carries come in from below, so that the rounding is exact.
 * Registers as avr-gcc passes them: 32-bit arguments in r22..r25 and r18..r21.
 */
#define ZERO r31

/* a * b into the column whose lowest byte is `low`. */
.macro add_product a, b, low, middle, high
    mul  \a, \b
    add  \low, r0
    adc  \middle, r1
    adc  \high, ZERO
.endm

/*
 * int32_t jr_multiply_high(int32_t value, int32_t multiplier);
 * (value * multiplier + 2^30) >> 31; multiplier is not negative.
 */
    .section .text.jr_multiply_high, "ax", @progbits
    .global jr_multiply_high
    .type jr_multiply_high, @function
jr_multiply_high:
    bst  r25, 7 /* a negative value counts as 2^32 more: multiplier * 2^32 is taken off below */
    brtc 1f
    push r18
    push r19
    push r20
    push r21
1:
    clr  ZERO
    /* Column 0; its lowest byte is of no interest. */
    mul  r22, r18
    mov  r26, r1
    clr  r27
    clr  r30
    add_product r22, r19, r26, r27, r30 /* column 1 */
    add_product r23, r18, r26, r27, r30
    clr  r26
    add_product r22, r20, r27, r30, r26 /* column 2 */
    add_product r23, r19, r27, r30, r26
    add_product r24, r18, r27, r30, r26
    clr  r27
    add_product r22, r21, r30, r26, r27 /* column 3 */
    add_product r23, r20, r30, r26, r27
    add_product r24, r19, r30, r26, r27
    add_product r25, r18, r30, r26, r27
    mov  r22, r30
    clr  r30
    add_product r23, r21, r26, r27, r30 /* column 4 */
    add_product r24, r20, r26, r27, r30
    add_product r25, r19, r26, r27, r30
    mov  r23, r26
    clr  r26
    add_product r24, r21, r27, r30, r26 /* column 5 */
    add_product r25, r20, r27, r30, r26
    mov  r24, r27
    mul  r25, r21 /* column 6 */
    add  r30, r0
    adc  r26, r1
    clr  r1
    /* The product is r26 r30 r24 r23 r22 and 24 bits below. */
    brtc 2f
    pop  r21
    pop  r20
    pop  r19
    pop  r18
    sub  r23, r18
    sbc  r24, r19
    sbc  r30, r20
    sbc  r26, r21
2:
    subi r22, -0x40 /* 2^30; subi's borrow is the carry's complement */
    brcs 3f
    sec
    rjmp 4f
3:
    clc
4:
    adc  r23, ZERO
    adc  r24, ZERO
    adc  r30, ZERO
    adc  r26, ZERO
    lsl  r22
    mov  r22, r23
    rol  r22
    mov  r23, r24
    rol  r23
    mov  r24, r30
    rol  r24
    mov  r25, r26
    rol  r25
    ret

/*
 * int32_t jr_rounding_shift_right(int32_t value, int exponent);
 * value / 2^exponent, halves away from zero; exponent in [0, 31].
 */
    .section .text.jr_rounding_shift_right, "ax", @progbits
    .global jr_rounding_shift_right
    .type jr_rounding_shift_right, @function
jr_rounding_shift_right:
    tst  r20
    breq 5f
    sbrs r25, 7
    rjmp 1f
    subi r22, 1 /* exact halves of a negative value round down, away from zero */
    sbci r23, 0
    sbci r24, 0
    sbci r25, 0
1:
    dec  r20
2:
    cpi  r20, 8
    brlo 3f
    mov  r22, r23
    mov  r23, r24
    mov  r24, r25
    lsl  r25
    sbc  r25, r25
    subi r20, 8
    rjmp 2b
3:
    tst  r20
    breq 4f
    asr  r25
    ror  r24
    ror  r23
    ror  r22
    dec  r20
    rjmp 3b
4:
    subi r22, -1
    sbci r23, -1
    sbci r24, -1
    sbci r25, -1
    asr  r25
    ror  r24
    ror  r23
    ror  r22
5:
    ret
