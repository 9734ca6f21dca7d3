/*
 * void jr_m33_run_channel_block(jr_m33_channel_block *block, uint32_t pixel_pairs)
 *
 * Eight sums in registers, all else in halves: 11 instructions for 16 products.
 *
 *  r0 weights  r1 inputs  r2, r3 halves of weights  r4, r5 halves of inputs
 *  r6, r7 sums of the first channel, a pixel each  r8, r9  r10, r11  r12, lr of the others
 */
#include "scaling.inc"

    .syntax unified
    .thumb

    .equ    BLOCK_SCALING, 16
    .equ    BLOCK_ROUNDING, 48
    .equ    BLOCK_OUTPUT, 52
    .equ    BLOCK_QUADS, 60
    .equ    BLOCK_INPUTS, 68

    /* The frame: the block, the end of the pair's inputs, pairs left. */
    .equ    FRAME_BLOCK, 0
    .equ    FRAME_END, 4
    .equ    FRAME_LEFT, 8
    .equ    FRAME_BYTES, 12

    .macro two_inputs
    ldmia   r1!, {r4, r5}
    ldmia   r0!, {r2, r3}
    smlad   r6, r2, r4, r6
    smlad   r7, r2, r5, r7
    smlad   r8, r3, r4, r8
    smlad   r9, r3, r5, r9
    ldmia   r0!, {r2, r3}
    smlad   r10, r2, r4, r10
    smlad   r11, r2, r5, r11
    smlad   r12, r3, r4, r12
    smlad   lr, r3, r5, lr
    .endm

    .macro scale_channel number, first, second
    ldrd    r2, r3, [r0, #BLOCK_SCALING + 8 * \number]
    scale   \first, r2, r3, r4
    scale   \second, r2, r3, r4
    .endm

    .section .text.jr_m33_run_channel_block, "ax", %progbits
    .global jr_m33_run_channel_block
    .type   jr_m33_run_channel_block, %function
    .thumb_func
    .align  2
jr_m33_run_channel_block:
    push    {r4-r11, lr}
    sub     sp, #FRAME_BYTES
    str     r0, [sp, #FRAME_BLOCK]
    str     r1, [sp, #FRAME_LEFT]
    ldr     r1, [r0, #BLOCK_INPUTS]
.Lpixels:
    ldmia   r0, {r6, r8, r10, r12}
    ldrd    r2, r0, [r0, #BLOCK_QUADS]  /* and the weights */
    mov     r7, r6
    mov     r9, r8
    mov     r11, r10
    mov     lr, r12
    add     r3, r1, r2, lsl #4
    str     r3, [sp, #FRAME_END]
    and     r2, #3
    tbb     [pc, r2]                    /* the first time round, what four leave over */
.Lentries:
    .byte   (.Lfour - .Lentries) / 2
    .byte   (.Lone - .Lentries) / 2
    .byte   (.Ltwo - .Lentries) / 2
    .byte   (.Lthree - .Lentries) / 2
.Lfour:
    two_inputs
    two_inputs
.Lthree:
    two_inputs
    two_inputs
.Ltwo:
    two_inputs
    two_inputs
.Lone:
    two_inputs
    two_inputs
    ldr     r2, [sp, #FRAME_END]
    cmp     r1, r2
    bne     .Lfour

    ldr     r0, [sp, #FRAME_BLOCK]
    ldr     r4, [r0, #BLOCK_ROUNDING]
    scale_channel 0, r6, r7
    scale_channel 1, r8, r9
    scale_channel 2, r10, r11
    scale_channel 3, r12, lr
    ldrd    r2, r3, [r0, #BLOCK_OUTPUT] /* and its step */
    add     r5, r2, r3
    strb    r7, [r5]                    /* first: where the step is 0, the other goes over it */
    strb    r9, [r5, #1]
    strb    r11, [r5, #2]
    strb    lr, [r5, #3]
    strb    r6, [r2]
    strb    r8, [r2, #1]
    strb    r10, [r2, #2]
    strb    r12, [r2, #3]
    add     r2, r5, r3
    str     r2, [r0, #BLOCK_OUTPUT]
    ldr     r2, [sp, #FRAME_LEFT]
    subs    r2, #1
    str     r2, [sp, #FRAME_LEFT]
    bne     .Lpixels
    add     sp, #FRAME_BYTES
    pop     {r4-r11, pc}
    .size   jr_m33_run_channel_block, . - jr_m33_run_channel_block
