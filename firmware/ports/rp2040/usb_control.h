/* Endpoint 0: the requests that a host makes of every device, and those of a CDC-ACM port. */
#ifndef RP2040_USB_CONTROL_H
#define RP2040_USB_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

/* After a bus reset: no address, not configured. uid: eight bytes, kept. */
void usb_control_reset(const uint8_t *uid);

/* A SETUP packet has come; whatever endpoint 0 was doing is over. */
void usb_control_setup(void);

/* Endpoint 0's packet has been fetched, or one has come. */
void usb_control_sent(void);
void usb_control_received(void);

/* The host has chosen the configuration: the data endpoints are open. */
bool usb_control_is_configured(void);

#endif
