#include "usb_endpoint.h"

#include <string.h>

#include "usb_registers.h"

/* Bit per slot: the next packet is DATA1. */
static uint8_t toggles;

/* Slots 0 and 1 share a buffer; the others follow it, one each. */
static uint32_t data_offset(uint32_t slot) {
    return RP_USB_ENDPOINT0_DATA + (slot < 2u ? 0u : RP_USB_PACKET_BYTES * slot);
}

/*
 * The controller reads the word with clk_usb at any time: what says that it may act comes after
 * what it shall act on [4.1.2.5.3], a period later, which is 2.8 of clk_sys.
 */
static void hand_over(uint32_t slot, uint32_t word, uint32_t go) {
    RP_REG(RP_USB_BUFFER(slot)) = word;
    __asm volatile("nop\n\tnop\n\tnop" : : : "memory");
    RP_REG(RP_USB_BUFFER(slot)) = word | go;
}

static void arm(uint32_t slot, uint32_t word) {
    if (toggles & (1u << slot)) {
        word |= RP_USB_BUFFER_DATA1;
    }
    toggles ^= (uint8_t)(1u << slot);
    hand_over(slot, word, RP_USB_BUFFER_AVAILABLE);
}

void usb_endpoints_reset(void) {
    volatile uint32_t *const words = (volatile uint32_t *)RP_USB_DPRAM;
    for (uint32_t i = 0; i < RP_USB_DPRAM_CONTROLS / sizeof *words; i++) {
        words[i] = 0;
    }
    toggles = 0;
}

void usb_endpoint_open(uint32_t slot, uint32_t type) {
    usb_endpoint_withdraw(slot);
    toggles &= (uint8_t) ~(1u << slot);
    RP_REG(RP_USB_ENDPOINT(slot)) = RP_USB_ENDPOINT_ENABLE | RP_USB_ENDPOINT_INTERRUPT |
                                    RP_USB_ENDPOINT_TYPE(type) |
                                    RP_USB_ENDPOINT_BUFFER(data_offset(slot));
}

void usb_endpoint_next_is_data1(uint32_t slot) {
    toggles |= (uint8_t)(1u << slot);
}

void usb_endpoint_withdraw(uint32_t slot) {
    RP_REG(RP_USB_BUFFER(slot)) = 0;
}

void usb_endpoint_send(uint32_t slot, const uint8_t *data, uint32_t count) {
    memcpy((void *)(RP_USB_DPRAM + data_offset(slot)), data, count);
    arm(slot, RP_USB_BUFFER_FULL | count);
}

void usb_endpoint_receive(uint32_t slot, uint32_t capacity) {
    arm(slot, capacity);
}

bool usb_endpoint_is_armed(uint32_t slot) {
    return (RP_REG(RP_USB_BUFFER(slot)) & RP_USB_BUFFER_AVAILABLE) != 0;
}

bool usb_endpoint_has_packet(uint32_t slot, uint32_t *count) {
    const uint32_t word = RP_REG(RP_USB_BUFFER(slot));
    *count = RP_USB_BUFFER_LENGTH(word);
    return (word & (RP_USB_BUFFER_FULL | RP_USB_BUFFER_AVAILABLE)) == RP_USB_BUFFER_FULL;
}

const uint8_t *usb_endpoint_data(uint32_t slot) {
    __asm volatile("" : : : "memory"); /* the data is read after the word that announced it */
    return (const uint8_t *)(RP_USB_DPRAM + data_offset(slot));
}

void usb_endpoint_halt(uint32_t slot) {
    if (slot < 2u) {
        RP_SET(RP_USB_EP_STALL_ARM) = 1u << slot; /* endpoint 0 needs both [4.1.2.5.3, 4.1.4] */
    }
    hand_over(slot, 0, RP_USB_BUFFER_STALL);
}

bool usb_endpoint_is_halted(uint32_t slot) {
    return (RP_REG(RP_USB_BUFFER(slot)) & RP_USB_BUFFER_STALL) != 0;
}
