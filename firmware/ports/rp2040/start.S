/*
 * Vector table and reset handler.
 *
 * boot2 enters through the table in flash; the reset handler copies it to RAM, so that
 * an interrupt can be taken while the flash is being programmed. All handlers are in
 * RAM for the same reason. Every exception that the port does not expect is a fault.
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ VTOR, 0xe000ed08

    .section .vectors, "a"
    .global vectors
vectors:
    .word __stack_top
    .word reset_handler
    .rept 13                                /* NMI to PendSV; reserved entries are never taken */
    .word fault_handler
    .endr
    .word systick_handler
    .word timer0_handler                    /* IRQ 0 */
    .rept 19
    .word fault_handler
    .endr
    .word uart0_handler                     /* IRQ 20 */
    .rept 11
    .word fault_handler
    .endr
vectors_end:

    .text
    .global reset_handler
    .type reset_handler, %function
    .thumb_func
reset_handler:
    ldr r0, =vectors
    ldr r1, =__ram_vectors
    ldr r2, =__ram_vectors + (vectors_end - vectors)
    bl copy_words
    ldr r0, =__data_load
    ldr r1, =__data_start
    ldr r2, =__data_end
    bl copy_words
    ldr r0, =0
    ldr r1, =__bss_start
    ldr r2, =__bss_end
    bl fill_words
    ldr r0, =STACK_PATTERN
    ldr r1, =__stack_bottom
    mov r2, sp                              /* nothing has been pushed yet */
    bl fill_words
    ldr r0, =__ram_vectors
    ldr r1, =VTOR
    str r0, [r1]
    bl main
    b fault_handler_far                     /* main does not return */

/* Copies words from r0 to r1 until r2. */
    .thumb_func
copy_words:
    cmp r1, r2
    bhs 1f
    ldm r0!, {r3}
    stm r1!, {r3}
    b copy_words
1:  bx lr

/* Stores r0 from r1 until r2. */
    .thumb_func
fill_words:
    cmp r1, r2
    bhs 1f
    stm r1!, {r0}
    b fill_words
1:  bx lr

    .thumb_func
fault_handler_far:
    ldr r0, =fault_handler
    bx r0
    .ltorg
