/*
 * Reset handler at the core's reset vector, and the table of its exception vectors. Every
 * exception is a fault or the watchdog, and ends in a restart; but for the timer's interrupt in
 * machine_wait().
 */
    .section .start, "ax"
    .global reset_handler
    .global machine_reset
reset_handler:
machine_reset:
    j start

    .balign 256                     /* VECBASE; the offsets are the core's */
vectors:
    .org vectors + 0x10             /* debug: ICOUNT has overflown */
    j fault
    .org vectors + 0x20             /* NMI */
    j fault
    .org vectors + 0x30             /* kernel: exceptions, and interrupts of level 1 */
    wsr a0, excsave1
    j kernel_exception
    .org vectors + 0x50             /* user */
    j fault
    .org vectors + 0x70             /* double */
    j fault
    .org vectors + 0x80

    .text
    .balign 4
start:
    movi a2, 0
    wsr a2, intenable
    wsr a2, icountlevel
    movi a3, vectors
    wsr a3, vecbase
    wsr a2, ps                      /* kernel mode, interrupts let in; none is enabled yet */
    rsync
    movi a1, __stack_top
    movi a2, __data_load
    movi a3, __data_start
    movi a4, __data_end
1:  bgeu a3, a4, 2f
    l32i a5, a2, 0
    s32i a5, a3, 0
    addi a2, a2, 4
    addi a3, a3, 4
    j 1b
2:  movi a2, 0
    movi a3, __bss_start
    movi a4, __bss_end
    call0 fill_words
    movi a2, STACK_PATTERN
    movi a3, __stack_bottom
    mov a4, a1                      /* nothing has been pushed yet */
    call0 fill_words
    call0 main
    j fault                         /* main does not return */

/* Stores a2 from a3 until a4. */
    .balign 4
fill_words:
    bgeu a3, a4, 1f
    s32i a2, a3, 0
    addi a3, a3, 4
    j fill_words
1:  ret

/* On a fresh stack: the old one may be what is wrong. */
    .balign 4
fault:
    movi a1, __stack_top
    movi a2, 0
    wsr a2, intenable
    wsr a2, ps
    rsync
    call0 restart_after_hang

/*
 * a2: CCOMPARE0. With interrupts off nothing is taken before WAITI lets the timer's in, which
 * goes on at `awake`.
 */
    .balign 4
    .global machine_wait
machine_wait:
    rsil a3, 1
    wsr a2, ccompare0
    esync
    waiti 0
awake:
    ret

/* a0 is in EXCSAVE1. Setting CCOMPARE0 takes the interrupt back; it is 107 s away then. */
    .balign 4
kernel_exception:
    rsr a0, exccause
    bnei a0, 4, fault               /* level-1 interrupt */
    movi a0, awake
    wsr a2, excsave2
    rsr a2, epc1
    bne a0, a2, fault
    rsr a2, ccount
    wsr a2, ccompare0
    esync
    rsr a2, excsave2
    rsr a0, excsave1
    rfe
