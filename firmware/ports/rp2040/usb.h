/*
 * The board as a CDC-ACM device: /dev/ttyACM0 on Linux. No interrupt is ever taken: while nobody
 * calls, the controller answers NAK by itself, and the host asks again.
 */
#ifndef RP2040_USB_H
#define RP2040_USB_H

#include <stdbool.h>
#include <stdint.h>

/* Shows the host that a device is there. uid: eight bytes, kept; the serial number string. */
void usb_init(const uint8_t *uid);

/* Answers what the host has asked of the device. */
void usb_serve(void);

/* usb_serve() or usb_read() would do something. Call with interrupts off to be sure that it stays
 * so. */
bool usb_has_work(void);

/* Copies up to `capacity` received bytes without waiting; returns how many. */
uint32_t usb_read(uint8_t *buffer, uint32_t capacity);

/* Sends a transfer of `count` bytes; what the host does not fetch in time is dropped. */
void usb_write(const uint8_t *data, uint32_t count);

/* Waits until the host has fetched all, or no longer does. */
void usb_drain(void);

#endif
