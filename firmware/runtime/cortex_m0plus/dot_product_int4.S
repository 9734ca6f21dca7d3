/*
 * uint32_t jr_m0_dot_product_int4(const uint32_t *pairs, const uint32_t *weights, uint32_t words,
 *                                 uint32_t initial)
 *
 * Two products in one multiplication: with U = u0 + u2 * 65536 and X = x2 + x0 * 65536,
 *     U * X = u0 * x2 + (u0 * x0 + u2 * x2) * 65536, mod 2^32.
 * The upper half is what is wanted. Stored weights u lie in [0, 15], so that the four such products
 * of a word can be added before the halves are taken apart: then the lower half is in
 * [-7680, 7620], the upper one in [-15360, 15240]. A negative lower half borrows one from the upper;
 * its bit 15 is then set, is the carry of the shift, and is added back.
 *
 * 28 cycles for 8 weights, 3 more for every second time.
 *
 *  r0 pairs  r1 weights  r2 products  r3 sum  r4 word  r5, r6 pairs of inputs and weights
 *  r7 0x000f000f  r8 end
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .macro eight_weights
    ldmia   r1!, {r4}
    ldmia   r0!, {r5, r6}
    movs    r2, r7
    ands    r2, r4
    muls    r2, r5
    lsrs    r4, #4
    movs    r5, r7
    ands    r5, r4
    muls    r5, r6
    adds    r2, r5
    lsrs    r4, #4
    ldmia   r0!, {r5}
    movs    r6, r7
    ands    r6, r4
    muls    r6, r5
    adds    r2, r6
    lsrs    r4, #4
    ldmia   r0!, {r5}
    ands    r4, r7
    muls    r4, r5
    adds    r2, r4
    asrs    r2, #16
    adcs    r3, r2
    .endm

    .section .text.jr_m0_dot_product_int4, "ax", %progbits
    .global jr_m0_dot_product_int4
    .type   jr_m0_dot_product_int4, %function
    .thumb_func
    .align  2
jr_m0_dot_product_int4:
    push    {r4-r7, lr}
    mov     r4, r8
    push    {r4}
    ldr     r7, =0x000f000f
    lsls    r4, r2, #2
    adds    r4, r1
    mov     r8, r4
    lsrs    r2, #1
    bcs     .Lsecond            /* an odd number of words */
.Lfirst:
    eight_weights
.Lsecond:
    eight_weights
    cmp     r1, r8
    bne     .Lfirst
    mov     r0, r3
    pop     {r4}
    mov     r8, r4
    pop     {r4-r7, pc}
    .ltorg
    .size   jr_m0_dot_product_int4, . - jr_m0_dot_product_int4
