/* UART0. QEMU has no line time: a byte goes as soon as somebody takes it. */
#ifndef UNO_Q_CHIP_UART_H
#define UNO_Q_CHIP_UART_H

#include <stdbool.h>

#include "an505.h"

/* QEMU holds a byte in the receiver and up to 32 behind it. */
#define CHIP_UART_RX_BYTES 33u

static inline void chip_uart_init(void) {
    UART_BAUDDIV(UART0) = UART_BAUDDIV_LEAST;
    UART_CTRL(UART0) = UART_CTRL_TX | UART_CTRL_RX;
    (void)UART_DATA(UART0); /* makes QEMU offer what came before the receiver was on */
    NVIC_ISER(IRQ_UART0) = NVIC_BIT(IRQ_UART0);
}

static inline void chip_uart_enable_interrupt(bool on) {
    UART_CTRL(UART0) = UART_CTRL_TX | UART_CTRL_RX | (on ? UART_CTRL_RX_INT : 0u);
}

static inline void chip_uart_clear_interrupt(void) {
    UART_INTCLEAR(UART0) = UART_INT_RX;
}

static inline bool chip_uart_has_byte(void) {
    return (UART_STATE(UART0) & UART_STATE_RX_FULL) != 0;
}

static inline uint8_t chip_uart_take(void) {
    return (uint8_t)UART_DATA(UART0);
}

static inline bool chip_uart_can_send(void) {
    return (UART_STATE(UART0) & UART_STATE_TX_FULL) == 0;
}

static inline void chip_uart_put(uint8_t byte) {
    UART_DATA(UART0) = byte;
}

static inline bool chip_uart_is_idle(void) {
    return chip_uart_can_send();
}

#endif
