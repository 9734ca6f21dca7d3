#include "usb.h"

#include "clocks.h"
#include "timebase.h"
#include "usb_control.h"
#include "usb_descriptors.h"
#include "usb_endpoint.h"
#include "usb_registers.h"

/*
 * Errata that are left as they are: RP2040-E5 (revisions B0 and B1 may not leave a bus reset
 * behind a busy hub; plug them in directly) and RP2040-E15 (a bus error in the middle of an IN
 * transaction may hang the controller; UART0 and the reset pin still work).
 */

#define DATA_IN  USB_IN(USB_DATA_ENDPOINT)
#define DATA_OUT USB_OUT(USB_DATA_ENDPOINT)

/* A host that reads its port does so every millisecond; one that has closed it never does. */
#define FETCH_US 100000u

static struct {
    const uint8_t *uid;
    uint32_t taken; /* bytes of the packet in DATA_OUT that have been read */
} usb;

void usb_init(const uint8_t *uid) {
    usb.uid = uid;
    clocks_release_from_reset(RP_RESETS_USBCTRL);
    usb_endpoints_reset();
    usb_control_reset(uid);
    RP_REG(RP_USB_MUXING) = RP_USB_MUXING_TO_PHY | RP_USB_MUXING_SOFTCON;
    /* The Pico has VBUS on no pin of the controller. */
    RP_REG(RP_USB_PWR) = RP_USB_PWR_VBUS_DETECT | RP_USB_PWR_VBUS_DETECT_OVERRIDE;
    RP_REG(RP_USB_MAIN_CTRL) = RP_USB_MAIN_CTRL_CONTROLLER_EN;
    RP_REG(RP_USB_INTE) = RP_USB_INT_BUFF_STATUS | RP_USB_INT_BUS_RESET | RP_USB_INT_SETUP_REQ;
    RP_REG(RP_USB_SIE_CTRL) = RP_USB_SIE_CTRL_EP0_INT_1BUF | RP_USB_SIE_CTRL_PULLUP_EN;
}

void usb_serve(void) {
    const uint32_t events = RP_REG(RP_USB_INTS);
    if (events & RP_USB_INT_BUS_RESET) {
        usb_endpoints_reset();
        usb_control_reset(usb.uid);
        RP_REG(RP_USB_SIE_STATUS) = RP_USB_SIE_STATUS_BUS_RESET;
    }
    if (events & RP_USB_INT_SETUP_REQ) {
        /* What endpoint 0 had done before SETUP is of a request that is over. */
        RP_REG(RP_USB_BUFF_STATUS) = (1u << USB_IN(0)) | (1u << USB_OUT(0));
        usb_control_setup();
        return;
    }
    const uint32_t done = RP_REG(RP_USB_BUFF_STATUS);
    RP_REG(RP_USB_BUFF_STATUS) = done;
    if (done & (1u << USB_IN(0))) {
        usb_control_sent();
    }
    if (done & (1u << USB_OUT(0))) {
        usb_control_received();
    }
}

bool usb_has_work(void) {
    uint32_t count;
    return RP_REG(RP_USB_INTS) != 0 || usb_endpoint_has_packet(DATA_OUT, &count);
}

/* The packet stays in the controller's memory until it has been read: the host gets NAK. */
uint32_t usb_read(uint8_t *buffer, uint32_t capacity) {
    uint32_t length, count = 0;
    if (!usb_endpoint_has_packet(DATA_OUT, &length)) {
        usb.taken = 0;
        return 0;
    }
    const uint8_t *const data = usb_endpoint_data(DATA_OUT);
    while (count < capacity && usb.taken < length) {
        buffer[count++] = data[usb.taken++];
    }
    if (usb.taken == length) {
        usb.taken = 0;
        usb_endpoint_receive(DATA_OUT, RP_USB_PACKET_BYTES);
    }
    return count;
}

/* Waits until the host has fetched the last packet; false if it does not. */
static bool await_fetch(void) {
    const uint32_t began = timebase_micros();
    for (;;) {
        usb_serve();
        if (!usb_control_is_configured() || usb_endpoint_is_halted(DATA_IN) ||
            (RP_REG(RP_USB_SIE_STATUS) & RP_USB_SIE_STATUS_SUSPENDED)) {
            return false;
        }
        if (!usb_endpoint_is_armed(DATA_IN)) {
            return true;
        }
        if (timebase_micros() - began >= FETCH_US) {
            return false;
        }
    }
}

/* A transfer ends with a packet of less than 64 bytes, maybe of none [USB 2.0 5.8.3]. */
void usb_write(const uint8_t *data, uint32_t count) {
    uint32_t packet;
    do {
        packet = count < RP_USB_PACKET_BYTES ? count : RP_USB_PACKET_BYTES;
        if (!await_fetch()) {
            return;
        }
        usb_endpoint_send(DATA_IN, data, packet);
        data += packet;
        count -= packet;
    } while (packet == RP_USB_PACKET_BYTES);
}

void usb_drain(void) {
    (void)await_fetch();
}
