/* What the board tells a USB host that it is: one CDC-ACM serial port. */
#ifndef RP2040_USB_DESCRIPTORS_H
#define RP2040_USB_DESCRIPTORS_H

#include <stdint.h>

/* Endpoint numbers and interfaces, as the configuration descriptor has them. */
#define USB_NOTIFICATION_ENDPOINT   1u
#define USB_DATA_ENDPOINT           2u
#define USB_COMMUNICATION_INTERFACE 0u
#define USB_INTERFACES              2u
#define USB_CONFIGURATION           1u

/* bmAttributes of an endpoint [USB 2.0 9.6.6] */
#define USB_BULK      2u
#define USB_INTERRUPT 3u

/* A string descriptor's bLength is at most this: header and a serial number of 16 digits. */
#define USB_STRING_BYTES (2u + 2u * 16u)

typedef struct usb_bytes {
    const uint8_t *data; /* NULL: there is no such descriptor */
    uint32_t count;
} usb_bytes;

/*
 * The descriptor that a GET_DESCRIPTOR names.
 *
 * value: its wValue, descriptor type and index. uid: eight bytes, for the serial number.
 * scratch: a string descriptor is composed in here.
 */
usb_bytes usb_descriptor(uint16_t value, const uint8_t *uid, uint8_t scratch[USB_STRING_BYTES]);

#endif
