/*
 * uint32_t jr_avr_dot_short(uint32_t acc, const int8_t *x, const __flash int8_t *w,
 *                           uint16_t count);
 *
 * Eleven cycles a product: lpm 3, ld 2, muls 2, and four that add it to a sum of 24 bits, which
 * 511 products of two int8 cannot overflow (AVR Instruction Set Manual, DS40002198).
 * Registers as avr-gcc passes them: acc r22..r25, x r20, w r18, count r16; the result r22..r25.
 */
#define SUM0     r22
#define SUM1     r23
#define SUM2     r24
#define SUM3     r25
#define WEIGHT   r18
#define INPUT    r19
#define SIGN     r21
#define LEFT     r20
#define BLOCKS   r25

/* muls leaves the product's sign in the carry; sbc spreads it over a byte. */
.macro multiply_accumulate
    lpm  WEIGHT, Z+
    ld   INPUT, X+
    muls WEIGHT, INPUT
    sbc  SIGN, SIGN
    add  SUM0, r0
    adc  SUM1, r1
    adc  SUM2, SIGN
.endm

    .section .text.jr_avr_dot_short, "ax", @progbits
    .global jr_avr_dot_short
    .type jr_avr_dot_short, @function
jr_avr_dot_short:
    push r22
    push r23
    push r24
    push r25
    movw r26, r20
    movw r30, r18
    clr  SUM0
    clr  SUM1
    clr  SUM2
    mov  LEFT, r16
    andi LEFT, 7
    movw r18, r16
    lsr  r19 /* count / 8: nine bits become six */
    ror  r18
    lsr  r18
    lsr  r18
    mov  BLOCKS, r18
    tst  LEFT
    breq 2f
1:
    multiply_accumulate
    dec  LEFT
    brne 1b
2:
    tst  BLOCKS
    breq 4f
3:
    .rept 8
    multiply_accumulate
    .endr
    dec  BLOCKS
    brne 3b
4:
    clr  r1 /* avr-gcc's zero */
    clr  SUM3
    sbrc SUM2, 7
    com  SUM3
    pop  r21
    pop  r20
    pop  r19
    pop  r18
    add  SUM0, r18
    adc  SUM1, r19
    adc  SUM2, r20
    adc  SUM3, r21
    ret
