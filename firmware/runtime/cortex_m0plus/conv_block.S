/*
 * void jr_m0_conv_run_block(const jr_m0_conv_block *block)
 *
 * Four output channels a, b, c, d of a run of pixels. A product of two int8 has 15 bits
 * and a sign, so two channels share a 32-bit multiplication: with W = -(a + b * 65536),
 * x * W holds -x * a in its lower and -x * b in its upper half. Two such products are added,
 * then the halves are taken apart; their sums lie in [-32768, 32512]. With P the sum of two
 * products,
 *     A += P                      A = sum of the lower halves + 65536 * H, mod 2^32
 *     H += (P >> 16) + bit 15     the upper halves; bit 15 gives back what the lower
 *                                 half borrowed, and is the carry of the shift
 * and at the end the lower halves' sum is A - 65536 * H. All sums are mod 2^32, as
 * the portable kernel's. An upper half of -32768 has none to lend: where weights could
 * give that, jr_m0_expand_weights() says so.
 *
 * `initial` holds A(a,b), A(c,d), H(b), H(d) for the negated biases. Weights come in the
 * order of use: for every two inputs k, k + 1: (a,b) k, (a,b) k + 1, (c,d) k, (c,d) k + 1.
 *
 * 46 cycles for 4 inputs x 4 channels, 3 more for every second time; about 140 cycles a pixel
 * for the rest, where no result needs the exact function.
 *
 *  in the loop: r0 weights  r1 input  r2, r3 two inputs  r4, r5 products  r6 H(b)  r7 H(d)
 *               r8 A(a,b)  r9 A(c,d)  r10 four inputs  r11 segments left  r12 segment's end
 *  afterwards:  r0 accumulator  r1 band  r2 output  r3 scaling  r4 low  r5 high  r6 multiplier
 *               r7 addend  r8, r9, r10 accumulators to come
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    /* jr_m0_conv_block */
    .equ BLOCK_INPUT, 4
    .equ BLOCK_OUTPUT, 8
    .equ BLOCK_PIXELS, 12
    .equ BLOCK_INPUT_STEP, 16
    .equ BLOCK_OUTPUT_STEP, 20
    .equ BLOCK_SEGMENTS, 24
    .equ BLOCK_SEGMENT_BYTES, 28
    .equ BLOCK_SEGMENT_GAP, 32
    .equ BLOCK_INITIAL, 36
    .equ BLOCK_SCALING, 52
    .equ BLOCK_EXACT, 132
    .equ EXACT_BYTES, 20

    /* the stack frame */
    .equ WEIGHTS, 0
    .equ INPUT, 4
    .equ OUTPUT, 8
    .equ PIXELS, 12
    .equ INPUT_STEP, 16
    .equ OUTPUT_STEP, 20
    .equ SEGMENTS, 24
    .equ SEGMENT_BYTES, 28
    .equ SEGMENT_GAP, 32
    .equ INITIAL, 36
    .equ SCALING, 40
    .equ EXACT, 44
    .equ FRAME_BYTES, 48

    /* Two inputs by two channels: 9 cycles. */
    .macro accumulate high, total
    ldmia   r0!, {r4, r5}
    muls    r4, r2
    muls    r5, r3
    adds    r4, r5
    add     \total, r4
    asrs    r4, #16
    adcs    \high, r4
    .endm

    /* Four inputs by four channels: 46 cycles. */
    .macro accumulate_four
    ldmia   r1!, {r3}
    mov     r10, r3
    sxtb    r2, r3
    lsls    r3, #16
    asrs    r3, #24
    accumulate r6, r8
    accumulate r7, r9
    mov     r3, r10
    lsls    r2, r3, #8
    asrs    r2, #24
    asrs    r3, #24
    accumulate r6, r8
    accumulate r7, r9
    .endm

    /* r0 -> byte `channel` of the output: 18 cycles. */
    .macro requantize channel
    ldmia   r3!, {r1, r4, r5, r6, r7}
    cmp     r0, r4
    blt     .Lbelow\channel
.Labove_low\channel:
    cmp     r0, r5
    bgt     .Labove\channel
.Lin_range\channel:
    muls    r6, r0
    adds    r6, r7
    lsls    r7, r6, #8
    cmp     r7, r1
    bls     .Lexact\channel
    asrs    r6, #24
.Lstore\channel:
    strb    r6, [r2, #\channel]
    .endm

    /* What `requantize` leaves out of the straight way. */
    .macro requantize_otherwise channel
.Lbelow\channel:
    mov     r0, r4
    b       .Labove_low\channel
.Labove\channel:
    mov     r0, r5
    b       .Lin_range\channel
.Lexact\channel:
    ldr     r1, [sp, #EXACT]
    adds    r1, #\channel * EXACT_BYTES
    bl      .Lcall_exact
    b       .Lstore\channel
    .endm

    .section .text.jr_m0_conv_run_block, "ax", %progbits
    .global jr_m0_conv_run_block
    .type   jr_m0_conv_run_block, %function
    .thumb_func
    .align  2
jr_m0_conv_run_block:
    push    {r4-r7, lr}
    mov     r4, r8
    mov     r5, r9
    mov     r6, r10
    mov     r7, r11
    push    {r4-r7}
    sub     sp, #FRAME_BYTES + 4
    mov     r1, sp
    movs    r2, #BLOCK_EXACT
    adds    r2, r0
    str     r2, [sp, #EXACT]
    movs    r2, #BLOCK_SCALING
    adds    r2, r0
    str     r2, [sp, #SCALING]
    movs    r2, #BLOCK_INITIAL
    adds    r2, r0
    str     r2, [sp, #INITIAL]
    ldmia   r0!, {r2-r7}
    stmia   r1!, {r2-r7}
    ldmia   r0!, {r2-r4}
    stmia   r1!, {r2-r4}

.Lpixel:
    ldr     r3, [sp, #INITIAL]
    ldmia   r3!, {r4-r7}
    mov     r8, r4
    mov     r9, r5
    ldr     r0, [sp, #WEIGHTS]
    ldr     r1, [sp, #INPUT]
    ldr     r2, [sp, #SEGMENTS]
.Lsegment:
    mov     r11, r2
    ldr     r2, [sp, #SEGMENT_BYTES]
    adds    r3, r1, r2
    mov     r12, r3
    lsls    r2, #29
    bmi     .Lodd
.Lloop:
    accumulate_four
.Lodd:
    accumulate_four
    cmp     r1, r12
    bne     .Lloop
    ldr     r3, [sp, #SEGMENT_GAP]
    adds    r1, r3
    mov     r2, r11
    subs    r2, #1
    bne     .Lsegment

    mov     r0, r8
    lsls    r1, r6, #16
    subs    r0, r1, r0
    negs    r6, r6
    mov     r8, r6
    mov     r1, r9
    lsls    r2, r7, #16
    subs    r2, r2, r1
    mov     r9, r2
    negs    r7, r7
    mov     r10, r7
    ldr     r2, [sp, #OUTPUT]
    ldr     r3, [sp, #SCALING]
    requantize 0
    mov     r0, r8
    requantize 1
    mov     r0, r9
    requantize 2
    mov     r0, r10
    requantize 3

    ldr     r0, [sp, #OUTPUT_STEP]
    adds    r2, r0
    str     r2, [sp, #OUTPUT]
    ldr     r0, [sp, #INPUT]
    ldr     r1, [sp, #INPUT_STEP]
    adds    r0, r1
    str     r0, [sp, #INPUT]
    ldr     r0, [sp, #PIXELS]
    subs    r0, #1
    str     r0, [sp, #PIXELS]
    beq     .Ldone
    b       .Lpixel
.Ldone:
    add     sp, #FRAME_BYTES + 4
    pop     {r4-r7}
    mov     r8, r4
    mov     r9, r5
    mov     r10, r6
    mov     r11, r7
    pop     {r4-r7, pc}

    requantize_otherwise 0
    requantize_otherwise 1
    requantize_otherwise 2
    requantize_otherwise 3

    /* r6 = jr_m0_requantize(r0, r1); keeps r2, r3. */
.Lcall_exact:
    push    {r2, r3, r4, lr}
    bl      jr_m0_requantize
    mov     r6, r0
    pop     {r2, r3, r4, pc}
    .size   jr_m0_conv_run_block, . - jr_m0_conv_run_block
