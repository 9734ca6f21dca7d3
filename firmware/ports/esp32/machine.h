/*
 * The machine that stands in for an ESP32: `sim` of qemu-system-xtensa with the core LX106, the
 * ESP8266's. The part's LX6 is of the same family and has more: windowed registers, a second core,
 * a floating-point unit. Names and numbers of special registers and interrupts are those of the
 * Xtensa Instruction Set Architecture Reference Manual and of QEMU's
 * target/xtensa/core-lx106/core-isa.h.
 */
#ifndef ESP32_MACHINE_H
#define ESP32_MACHINE_H

#include <stdint.h>

#include "jsp_protocol.h"

#define MACHINE_BOARD_ID "esp32"
#define MACHINE_CORE     "xtensa-lx106"

#define MACHINE_WATCHDOG JSP_FEATURE_WATCHDOG_SOFTWARE

/* No pins. */
#define MACHINE_SET_TIMED_PIN(level) ((void)(level))

/* The part's. Ticks are instructions, taken for cycles of it: the machine has no model of time. */
#define MACHINE_CLOCK_HZ 240000000u

/* CCOUNT's rate in the machine's time (QEMU, target/xtensa/overlay_tool.h: clock_freq_khz). */
#define MACHINE_CCOUNT_PER_MS 40000u

/* The emulator leaves what it is behind the flash of esp32.ld. */
#define MACHINE_EMULATOR_NAME 0x50500000u

#define MACHINE_TIMER_INTERRUPT 6u

#define MACHINE_READ_SPECIAL(name, value) __asm volatile("rsr %0, " #name : "=a"(value))
#define MACHINE_WRITE_SPECIAL(name, value)                                                         \
    __asm volatile("wsr %0, " #name "\n\tisync" : : "a"(value) : "memory")

/* SIMCALL (QEMU, target/xtensa/xtensa-semi.c): the number in a2, arguments from a3 on. */
#define MACHINE_SIMCALL_READ   3u
#define MACHINE_SIMCALL_WRITE  4u
#define MACHINE_SIMCALL_SELECT 29u
#define MACHINE_SELECT_READ    1u
#define MACHINE_STDIN          0u
#define MACHINE_STDOUT         1u

static inline int32_t machine_simcall(uint32_t number, uint32_t a, uint32_t b, uint32_t c) {
    register uint32_t a2 __asm("a2") = number;
    register uint32_t a3 __asm("a3") = a;
    register uint32_t a4 __asm("a4") = b;
    register uint32_t a5 __asm("a5") = c;
    __asm volatile("simcall" : "+a"(a2), "+a"(a3) : "a"(a4), "a"(a5) : "memory");
    return (int32_t)a2;
}

/* In start.S: as after power-on, but for the memory. The core is all that there is to reset. */
void machine_reset(void) __attribute__((noreturn));

/* Sleeps until CCOUNT reaches `compare`, a value to come. The timer's interrupt is used up. */
void machine_wait(uint32_t compare);

#endif
