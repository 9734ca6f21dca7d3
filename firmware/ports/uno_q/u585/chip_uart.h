/*
 * LPUART1 on PG7 (TX) and PG8 (RX), which the UNO Q joins to the QRB2210's /dev/ttyHS1. Pins and
 * rate are those of Zephyr's board arduino_uno_q. RTS and CTS, on PG6 and PG5, are not used.
 */
#ifndef UNO_Q_CHIP_UART_H
#define UNO_Q_CHIP_UART_H

#include <stdbool.h>

#include "chip.h"
#include "stm32u585.h"

#define CHIP_UART_RX_BYTES LPUART_FIFO_BYTES
#define UART_BAUD          115200u
#define UART_TX_PIN        7u
#define UART_RX_PIN        8u
#define UART_FUNCTION      8u /* AF8 is LPUART1 [DS13086, alternate function table] */

static inline void chip_uart_init(void) {
    const uint32_t both = GPIO_TWO_BITS(UART_TX_PIN, 3u) | GPIO_TWO_BITS(UART_RX_PIN, 3u);
    RCC_APB3ENR |= RCC_APB3ENR_LPUART1EN;
    (void)RCC_APB3ENR; /* two cycles until the clock is on */
    LPUART1_BRR = (uint32_t)(((uint64_t)CLOCK_HZ * 256u + UART_BAUD / 2u) / UART_BAUD);
    LPUART1_CR1 = LPUART_CR1_FIFOEN | LPUART_CR1_TE | LPUART_CR1_RE | LPUART_CR1_UE;

    GPIO_AFR(GPIOG, UART_TX_PIN) |= GPIO_FOUR_BITS(UART_TX_PIN, UART_FUNCTION);
    GPIO_AFR(GPIOG, UART_RX_PIN) |= GPIO_FOUR_BITS(UART_RX_PIN, UART_FUNCTION);
    GPIO_PUPDR(GPIOG) |= GPIO_TWO_BITS(UART_RX_PIN, GPIO_PUPDR_UP); /* undriven it reads idle */
    GPIO_MODER(GPIOG) = (GPIO_MODER(GPIOG) & ~both) |
                        GPIO_TWO_BITS(UART_TX_PIN, GPIO_MODER_ALTERNATE) |
                        GPIO_TWO_BITS(UART_RX_PIN, GPIO_MODER_ALTERNATE);
    NVIC_ISER(IRQ_LPUART1) = NVIC_BIT(IRQ_LPUART1);
}

static inline void chip_uart_enable_interrupt(bool on) {
    const uint32_t control = LPUART1_CR1 & ~LPUART_CR1_RXFNEIE;
    LPUART1_CR1 = control | (on ? LPUART_CR1_RXFNEIE : 0u);
}

/* Taking the bytes clears it, but for an overrun's. */
static inline void chip_uart_clear_interrupt(void) {
    LPUART1_ICR = LPUART_ICR_ERRORS;
}

static inline bool chip_uart_has_byte(void) {
    return (LPUART1_ISR & LPUART_ISR_RXFNE) != 0;
}

static inline uint8_t chip_uart_take(void) {
    return (uint8_t)LPUART1_RDR;
}

static inline bool chip_uart_can_send(void) {
    return (LPUART1_ISR & LPUART_ISR_TXFNF) != 0;
}

static inline void chip_uart_put(uint8_t byte) {
    LPUART1_TDR = byte;
}

static inline bool chip_uart_is_idle(void) {
    return (LPUART1_ISR & LPUART_ISR_TC) != 0;
}

#endif
