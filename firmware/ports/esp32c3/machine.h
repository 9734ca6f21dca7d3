/*
 * The machine that stands in for an ESP32-C3: `virt` of qemu-system-riscv32. The instruction set
 * is the part's (RV32IMC); memory and peripherals are not. Addresses are those of QEMU's
 * hw/riscv/virt.c, registers those of the chips it cites.
 */
#ifndef ESP32C3_MACHINE_H
#define ESP32C3_MACHINE_H

#include <stdint.h>

#include "jsp_protocol.h"

#define MACHINE_BOARD_ID "esp32c3"
#define MACHINE_CORE     "rv32imc"

#define MACHINE_WATCHDOG JSP_FEATURE_WATCHDOG_SOFTWARE

/* No pins. */
#define MACHINE_SET_TIMED_PIN(level) ((void)(level))

/* The part's. Ticks are instructions, taken for cycles of it: the machine has no model of time. */
#define MACHINE_CLOCK_HZ 160000000u

/*
 * The machine is started with -icount shift=3: an instruction takes 8 ns of its time, of which
 * mcycle counts the nanoseconds (QEMU, target/riscv/csr.c: get_ticks).
 */
#define MACHINE_INSTRUCTION_NS_LOG2 3u

/* The emulator leaves what it is behind the RAM of esp32c3.ld. */
#define MACHINE_EMULATOR_NAME 0x80500000u

#define MACHINE_REG(address)  (*(volatile uint32_t *)(address))
#define MACHINE_REG8(address) (*(volatile uint8_t *)(address))

/* SiFive test device: restarts the whole machine, memory kept. */
#define MACHINE_TEST       0x00100000u
#define MACHINE_TEST_RESET 0x7777u

/* CLINT (RISC-V privileged specification, 3.2.1): mtime counts at 10 MHz. */
#define MACHINE_MTIMECMP_LOW  0x02004000u
#define MACHINE_MTIMECMP_HIGH 0x02004004u
#define MACHINE_MTIME_LOW     0x0200bff8u
#define MACHINE_MTIME_HIGH    0x0200bffcu
#define MACHINE_MTIME_PER_MS  10000u

/* NS16550A (its data sheet, section 8). */
#define MACHINE_UART_DATA      0x10000000u
#define MACHINE_UART_LCR       0x10000003u
#define MACHINE_UART_LCR_8BITS 0x03u
#define MACHINE_UART_LSR       0x10000005u
#define MACHINE_UART_LSR_READY 0x01u
#define MACHINE_UART_LSR_EMPTY 0x20u

/* mstatus and mie (3.1.6, 3.1.9) */
#define MACHINE_MSTATUS_MIE 0x008u
#define MACHINE_MIE_TIMER   0x080u

/* Restarts the machine as its reset pin does. */
static inline void __attribute__((noreturn)) machine_reset(void) {
    MACHINE_REG(MACHINE_TEST) = MACHINE_TEST_RESET;
    for (;;) {
    }
}

#endif
