/* The serial link. Received bytes wait in a ring that an interrupt fills. */
#ifndef UNO_Q_UART_H
#define UNO_Q_UART_H

#include <stdbool.h>
#include <stdint.h>

void uart_init(void);

/* Call with interrupts off to be sure that it stays so. */
bool uart_has_bytes(void);

/* Copies up to `capacity` received bytes without waiting; returns how many. */
uint32_t uart_read(uint8_t *buffer, uint32_t capacity);

/* Waits for room in the transmitter, then queues one byte. */
void uart_send(uint8_t byte);

/* Waits until the last bit is on the line. */
void uart_drain(void);

#endif
