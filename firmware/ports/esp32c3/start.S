/*
 * Reset handler, where QEMU's boot code jumps to: the start of the image. Every trap is a fault
 * or the watchdog, and ends in a restart.
 */
    .section .start, "ax"
    .global reset_handler
reset_handler:
    csrw mie, zero
    csrci mstatus, 8
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, __stack_top
    la t0, trap_handler
    csrw mtvec, t0
    la a0, __data_load
    la a1, __data_start
    la a2, __data_end
1:  bgeu a1, a2, 2f
    lw t0, 0(a0)
    sw t0, 0(a1)
    addi a0, a0, 4
    addi a1, a1, 4
    j 1b
2:  li a0, 0
    la a1, __bss_start
    la a2, __bss_end
    call fill_words
    li a0, STACK_PATTERN
    la a1, __stack_bottom
    mv a2, sp                       /* nothing has been pushed yet */
    call fill_words
    call main
    j trap_handler                  /* main does not return */

/* Stores a0 from a1 until a2. */
fill_words:
    bgeu a1, a2, 1f
    sw a0, 0(a1)
    addi a1, a1, 4
    j fill_words
1:  ret

/* On a fresh stack: the old one may be what is wrong. */
    .balign 4
trap_handler:
    la sp, __stack_top
    j restart_after_hang
