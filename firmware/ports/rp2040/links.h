/*
 * UART0 and USB as one link. Frames of the two never mix: bytes come from one until it has ended
 * a frame, and what is sent goes where the last byte came from.
 */
#ifndef RP2040_LINKS_H
#define RP2040_LINKS_H

#include <stdbool.h>
#include <stdint.h>

/* uid: eight bytes, kept. */
void links_init(const uint8_t *uid);

/* Bytes have come, or USB's host has asked something. Call with interrupts off. */
bool links_have_work(void);

/* Copies up to `capacity` received bytes without waiting; returns how many. */
uint32_t links_read(uint8_t *buffer, uint32_t capacity);

/* Sends all bytes; waits for UART0, and for USB's host as long as it fetches them. */
void links_write(const uint8_t *data, uint32_t count);

/* Waits until all is sent. */
void links_drain(void);

#endif
