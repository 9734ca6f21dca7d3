/* The table that the emulated core starts from, at the beginning of its memory. */
    .syntax unified
    .section .vectors, "a"
    .global vectors
vectors:
    .word __stack_top
    .word reset_handler
    .word watchdog_handler                  /* NMI */
    .rept 12
    .word fault_handler
    .endr
    .word systick_handler
    .rept 42
    .word fault_handler
    .endr
    .word uart_handler                      /* IRQ 42: UART0 */
