/* The serial line. */
#ifndef ESP32_UART_H
#define ESP32_UART_H

#include <stdbool.h>
#include <stdint.h>

void uart_init(void);

bool uart_has_bytes(void);

/* Copies up to `capacity` received bytes without waiting; returns how many. */
uint32_t uart_read(uint8_t *buffer, uint32_t capacity);

/* Sends all bytes; waits for the line. */
void uart_write(const uint8_t *data, uint32_t count);

#endif
