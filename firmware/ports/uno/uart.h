/* USART0, which the board's converter leads to USB. */
#ifndef UNO_UART_H
#define UNO_UART_H

#include <stdbool.h>
#include <stdint.h>

void uart_init(void);

bool uart_is_empty(void);

/* Copies up to `capacity` received bytes without waiting; returns how many. */
uint8_t uart_read(uint8_t *buffer, uint8_t capacity);

void uart_send(uint8_t byte);

/* Waits until all is sent. */
void uart_drain(void);

#endif
