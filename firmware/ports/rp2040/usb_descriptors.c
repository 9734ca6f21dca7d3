#include "usb_descriptors.h"

#include <stddef.h>

/* Descriptor types [USB 2.0 9.4, table 9-5; CDC 1.2 5.2.3] */
#define DEVICE        1u
#define CONFIGURATION 2u
#define STRING        3u
#define INTERFACE     4u
#define ENDPOINT      5u
#define CS_INTERFACE  0x24u

#define LOW(value)  ((value)&0xffu)
#define HIGH(value) ((value) >> 8)

/* Published for CDC serial ports of the RP2040 [github.com/raspberrypi/usb-pid]. */
#define VENDOR_ID  0x2e8au
#define PRODUCT_ID 0x000au

#define RELEASE           0x0100u
#define CDC_RELEASE       0x0120u
#define CONFIGURED_BYTES  67u
#define MAX_POWER_2MA     50u
#define NOTIFICATION_MS   16u
#define NOTIFICATION_SIZE 8u

#define CLASS_CDC      2u /* [CDC 1.2 4.1] */
#define CLASS_CDC_DATA 10u
#define SUBCLASS_ACM   2u

enum { NO_STRING, MANUFACTURER, PRODUCT, SERIAL };

/* [USB 2.0 9.6.1] */
static const uint8_t device[] = {
    18,
    DEVICE,
    LOW(0x0200),
    HIGH(0x0200),
    CLASS_CDC,
    0,
    0,
    64,
    LOW(VENDOR_ID),
    HIGH(VENDOR_ID),
    LOW(PRODUCT_ID),
    HIGH(PRODUCT_ID),
    LOW(RELEASE),
    HIGH(RELEASE),
    MANUFACTURER,
    PRODUCT,
    SERIAL,
    1,
};

/* clang-format off */
static const uint8_t configuration[CONFIGURED_BYTES] = {
    /* [USB 2.0 9.6.3] bus-powered */
    9, CONFIGURATION, LOW(CONFIGURED_BYTES), HIGH(CONFIGURED_BYTES), USB_INTERFACES,
        USB_CONFIGURATION, NO_STRING, 0x80, MAX_POWER_2MA,
    /* [9.6.5] */
    9, INTERFACE, USB_COMMUNICATION_INTERFACE, 0, 1, CLASS_CDC, SUBCLASS_ACM, 0, NO_STRING,
    5, CS_INTERFACE, 0, LOW(CDC_RELEASE), HIGH(CDC_RELEASE),    /* header [CDC 1.2 5.2.3.1] */
    5, CS_INTERFACE, 1, 0, 1,                    /* no call management [PSTN 1.2 5.3.1] */
    4, CS_INTERFACE, 2, 1 << 1,                  /* line coding and state [PSTN 1.2 5.3.2] */
    5, CS_INTERFACE, 6, USB_COMMUNICATION_INTERFACE, 1,         /* union [CDC 1.2 5.2.3.2] */
    /* [USB 2.0 9.6.6] */
    7, ENDPOINT, 0x80 | USB_NOTIFICATION_ENDPOINT, USB_INTERRUPT, NOTIFICATION_SIZE, 0,
        NOTIFICATION_MS,
    9, INTERFACE, 1, 0, 2, CLASS_CDC_DATA, 0, 0, NO_STRING,
    7, ENDPOINT, USB_DATA_ENDPOINT, USB_BULK, 64, 0, 0,
    7, ENDPOINT, 0x80 | USB_DATA_ENDPOINT, USB_BULK, 64, 0, 0,
};

static const uint8_t languages[] = {4, STRING, LOW(0x0409), HIGH(0x0409)};  /* US English */
/* clang-format on */

/* A character as a UTF-16 code unit. */
static uint8_t *append(uint8_t *to, char c) {
    to[0] = (uint8_t)c;
    to[1] = 0;
    return to + 2;
}

static usb_bytes string(uint32_t index, const uint8_t *uid, uint8_t *scratch) {
    static const char digits[] = "0123456789ABCDEF";
    uint8_t *to = scratch + 2;
    if (index == SERIAL) {
        for (uint32_t i = 0; i < 8; i++) {
            to = append(to, digits[uid[i] >> 4]);
            to = append(to, digits[uid[i] & 15u]);
        }
    } else {
        for (const char *c = index == MANUFACTURER ? "JumpStation HIL" : "Pico"; *c != '\0'; c++) {
            to = append(to, *c);
        }
    }
    scratch[0] = (uint8_t)(to - scratch);
    scratch[1] = STRING;
    return (usb_bytes){scratch, scratch[0]};
}

usb_bytes usb_descriptor(uint16_t value, const uint8_t *uid, uint8_t scratch[USB_STRING_BYTES]) {
    switch (value) {
    case DEVICE << 8:
        return (usb_bytes){device, sizeof device};
    case CONFIGURATION << 8:
        return (usb_bytes){configuration, sizeof configuration};
    case STRING << 8:
        return (usb_bytes){languages, sizeof languages};
    case (STRING << 8) + MANUFACTURER:
    case (STRING << 8) + PRODUCT:
    case (STRING << 8) + SERIAL:
        return string(LOW(value), uid, scratch);
    default:
        return (usb_bytes){NULL, 0}; /* no device qualifier either: there is no other speed */
    }
}
