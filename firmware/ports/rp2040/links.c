#include "links.h"

#include "restart.h"
#include "timebase.h"
#include "uart.h"
#include "usb.h"

/* Frames are COBS-coded: a zero ends each, and is nowhere else. */
#define FRAME_DELIMITER 0u

/* A sender that pauses for so long within a frame has given it up, if the other link has bytes. */
#define PAUSE_US 50000u

typedef struct link {
    uint32_t (*read)(uint8_t *buffer, uint32_t capacity);
    void (*write)(const uint8_t *data, uint32_t count);
    void (*drain)(void);
} link;

static void write_uart(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        restart_feed_watchdog();
        uart_send(data[i]);
    }
}

static void write_usb(const uint8_t *data, uint32_t count) {
    restart_feed_watchdog();
    usb_write(data, count);
}

static const link uart_link = {uart_read, write_uart, uart_drain};
static const link usb_link = {usb_read, write_usb, usb_drain};

static struct {
    const link *heard; /* the last byte came from here */
    bool in_frame;     /* and it did not end a frame */
    uint32_t heard_us;
} state = {&uart_link, false, 0};

void links_init(const uint8_t *uid) {
    uart_init();
    usb_init(uid);
}

bool links_have_work(void) {
    return !uart_is_empty() || usb_has_work();
}

static uint32_t read_from(const link *from, uint8_t *buffer, uint32_t capacity) {
    const uint32_t count = from->read(buffer, capacity);
    if (count > 0) {
        state.heard = from;
        state.in_frame = buffer[count - 1u] != FRAME_DELIMITER;
        state.heard_us = timebase_micros();
    }
    return count;
}

uint32_t links_read(uint8_t *buffer, uint32_t capacity) {
    const link *const other = state.heard == &uart_link ? &usb_link : &uart_link;
    usb_serve(); /* whichever link is heard, USB's host expects answers */
    const uint32_t count = read_from(state.heard, buffer, capacity);
    if (count > 0 || (state.in_frame && timebase_micros() - state.heard_us < PAUSE_US)) {
        return count;
    }
    return read_from(other, buffer, capacity);
}

void links_write(const uint8_t *data, uint32_t count) {
    state.heard->write(data, count);
}

void links_drain(void) {
    state.heard->drain();
}
