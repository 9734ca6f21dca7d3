/*
 * The emulator's own counter: a plug-in of QEMU that counts instructions and estimates cycles
 * (hil/emulators/mps2_an505/plugin). It is asked by DBG, a NOP on every part, and answers through
 * UART1. Reading is not counted.
 */
#include "cycles.h"

#include "an505.h"
#include "port.h"

#define ANSWER_BYTES 16u

static uint64_t instructions;

/* Without the plug-in nothing ever comes: the watchdog bounds the wait. */
static uint8_t take(void) {
    while (!(UART_STATE(UART1) & UART_STATE_RX_FULL)) {
    }
    return (uint8_t)UART_DATA(UART1);
}

static uint64_t take_number(void) {
    uint64_t number = 0;
    for (uint32_t shift = 0; shift < 64u; shift += 8u) {
        number |= (uint64_t)take() << shift;
    }
    return number;
}

/* A reset may have cut off the reading of an answer. No answer has so many zeros. */
static void skip_to_beginning(void) {
    uint32_t zeros = 0;
    uint8_t byte;
    __asm volatile("dbg #3" : : : "memory");
    do {
        byte = take();
        if (byte == 0) {
            zeros++;
        } else if (zeros <= ANSWER_BYTES) {
            zeros = 0;
        }
    } while (byte == 0 || zeros <= ANSWER_BYTES);
}

void cycles_init(void) {
    UART_BAUDDIV(UART1) = UART_BAUDDIV_LEAST;
    UART_CTRL(UART1) = UART_CTRL_RX;
    skip_to_beginning();
}

uint64_t cycles_read(void) {
    uint64_t cycles;
    __asm volatile("dbg #1" : : : "memory"); /* stops, and sends both numbers */
    cycles = take_number();
    instructions = take_number();
    __asm volatile("dbg #2" : : : "memory"); /* goes on */
    return cycles;
}

uint64_t port_instructions(void) {
    return instructions;
}
