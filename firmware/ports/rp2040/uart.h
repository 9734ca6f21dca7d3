/* UART0 on GPIO 0 and 1: 921600 baud, 8N1. Received bytes wait in a ring that an interrupt fills.
 */
#ifndef RP2040_UART_H
#define RP2040_UART_H

#include <stdbool.h>
#include <stdint.h>

#define UART_BAUD 921600u

void uart_init(void);

/* Call with interrupts off to be sure that it stays so. */
bool uart_is_empty(void);

/* Copies up to `capacity` received bytes without waiting; returns how many. */
uint32_t uart_read(uint8_t *buffer, uint32_t capacity);

/* Waits for room in the FIFO, then queues one byte. */
void uart_send(uint8_t byte);

/* Waits until the last bit is on the line. */
void uart_drain(void);

#endif
