/*
 * Short instruction sequences, timed with SysTick. They run from RAM, where a fetch has no wait states,
 * so that a cost is the core's own. Each sequence is `REPEAT` times the instruction, between two reads of SYST_CVR.
 *
 *   uint32_t seq_name(volatile uint32_t *systick_cvr, uint32_t *memory);   cycles between the reads, reads included
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .ramtext, "ax"

    .macro sequence name
    .global \name
    .balign 4
    .thumb_func
    .type \name, %function
\name:
    push {r4, r5, r6, r7, lr}
    mov r8, sp
    ldr r2, [r0]
    .endm

    .macro finish
    ldr r3, [r0]
    mov sp, r8
    subs r0, r2, r3
    pop {r4, r5, r6, r7, pc}
    .endm

    sequence seq_empty
    finish

    sequence seq_nop
    .rept 16
    nop
    .endr
    finish

    sequence seq_muls
    .rept 16
    muls r4, r5, r4
    .endr
    finish

    sequence seq_ldr
    .rept 16
    ldr r4, [r1]
    .endr
    finish

    sequence seq_ldrsb
    movs r5, #0
    .rept 16
    ldrsb r4, [r1, r5]
    .endr
    finish

    sequence seq_str
    .rept 16
    str r4, [r1, #4]
    .endr
    finish

    sequence seq_ldm4
    .rept 16
    mov r3, r1
    ldmia r3!, {r4, r5, r6, r7}
    .endr
    finish

    sequence seq_branch_taken
    .rept 16
    b 1f
    nop
1:
    .endr
    finish

    sequence seq_branch_not_taken
    cmp r0, r0
    .rept 16
    bne 1f
1:
    .endr
    finish

    sequence seq_push1
    .rept 16
    push {r4}
    .endr
    finish

    sequence seq_push_lr
    .rept 16
    push {r4, lr}
    .endr
    finish

    sequence seq_push8
    .rept 4
    push {r0, r1, r2, r3, r4, r5, r6, r7}
    .endr
    finish

    .balign 4
    .thumb_func
leaf:
    bx lr

    sequence seq_call
    .rept 16
    bl leaf
    .endr
    finish

    .balign 4
    .thumb_func
leaf_pop:
    push {r4, lr}
    pop {r4, pc}

    sequence seq_call_push_pop
    .rept 16
    bl leaf_pop
    .endr
    finish

    sequence seq_barrier
    .rept 16
    dmb
    .endr
    finish

/* One word from each of r2 addresses, r3 bytes apart: uint32_t read_words(cvr, first, count, step). */
    .global read_words
    .balign 4
    .thumb_func
    .type read_words, %function
read_words:
    push {r4, r5, r6, lr}
    ldr r4, [r0]
1:
    ldr r5, [r1]
    adds r1, r1, r3
    subs r2, r2, #1
    bne 1b
    ldr r6, [r0]
    subs r0, r4, r6
    pop {r4, r5, r6, pc}
