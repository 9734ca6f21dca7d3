/* Reset handler. The vector tables are the chips': an505/vectors.S, u585/vectors.S. */
    .syntax unified
    .cpu cortex-m33
    .thumb

    .equ VTOR, 0xe000ed08

    .text
    .global reset_handler
    .type reset_handler, %function
    .thumb_func
reset_handler:
    ldr r0, =__stack_bottom
    msr msplim, r0                          /* a stack that grows too deep is a fault */
    ldr r0, =vectors
    ldr r1, =VTOR
    str r0, [r1]
    ldr r0, =__data_load
    ldr r1, =__data_start
    ldr r2, =__data_end
1:  cmp r1, r2
    ittt lo
    ldrlo r3, [r0], #4
    strlo r3, [r1], #4
    blo 1b
    movs r0, #0
    ldr r1, =__bss_start
    ldr r2, =__bss_end
    bl fill_words
    ldr r0, =STACK_PATTERN
    ldr r1, =__stack_bottom
    mov r2, sp                              /* nothing has been pushed yet */
    bl fill_words
    bl main
    b fault_handler                         /* main does not return */

/* Stores r0 from r1 until r2. */
    .thumb_func
fill_words:
    cmp r1, r2
    itt lo
    strlo r0, [r1], #4
    blo fill_words
    bx lr
    .ltorg
    .size reset_handler, . - reset_handler
