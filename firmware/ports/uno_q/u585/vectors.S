/* The table that the part starts from, at the beginning of its flash. */
    .syntax unified
    .section .vectors, "a"
    .global vectors
vectors:
    .word __stack_top
    .word reset_handler
    .rept 13
    .word fault_handler
    .endr
    .word systick_handler
    .rept 66
    .word fault_handler
    .endr
    .word uart_handler                      /* IRQ 66: LPUART1 */
