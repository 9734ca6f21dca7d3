/* Endpoints of the USB controller: packets, data toggles, halt. Slots are as in usb_registers.h. */
#ifndef RP2040_USB_ENDPOINT_H
#define RP2040_USB_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#define USB_IN(endpoint)  (2u * (endpoint))
#define USB_OUT(endpoint) (2u * (endpoint) + 1u)

/* No endpoint but 0 answers, no buffer is armed; every toggle is DATA0. */
void usb_endpoints_reset(void);

/* Takes a slot from 2 into use; it starts with DATA0. type: USB_BULK | USB_INTERRUPT. */
void usb_endpoint_open(uint32_t slot, uint32_t type);

/* The next packet in `slot` has DATA1. Endpoint 0 does so in every stage after SETUP. */
void usb_endpoint_next_is_data1(uint32_t slot);

/* Takes the buffer back, whatever is in it. */
void usb_endpoint_withdraw(uint32_t slot);

/* Copies up to 64 bytes and offers them to the host. */
void usb_endpoint_send(uint32_t slot, const uint8_t *data, uint32_t count);

/* Lets the host send one packet of up to `capacity` bytes; until then the controller NAKs. */
void usb_endpoint_receive(uint32_t slot, uint32_t capacity);

/* The controller still has the buffer: unsent, or nothing received. */
bool usb_endpoint_is_armed(uint32_t slot);

/* A packet has come and usb_endpoint_receive() has not been called since; `*count` is its length.
 */
bool usb_endpoint_has_packet(uint32_t slot, uint32_t *count);

/* Where the slot's packet is. */
const uint8_t *usb_endpoint_data(uint32_t slot);

/* STALL for every packet; until usb_endpoint_open(), on endpoint 0 until the next SETUP. */
void usb_endpoint_halt(uint32_t slot);
bool usb_endpoint_is_halted(uint32_t slot);

#endif
