/*
 * Measures the port from inside. Each command is a byte; the answers are 32-bit little-endian
 * words. test_port.py has the commands' meaning.
 */
#include "port.h"

#define READS         200u
#define TURNS         1000u
#define RX_TIMEOUT_MS 200u

static void answer(uint32_t word) {
    port_write((const uint8_t *)&word, sizeof word);
}

/* Reads the counter many times: steps back, largest step, smallest step. */
static void read_ticks(void) {
    uint32_t backward = 0;
    uint32_t largest = 0;
    uint32_t smallest = UINT32_MAX;
    uint64_t last = port_ticks();
    for (uint32_t i = 0; i < READS; i++) {
        const uint64_t now = port_ticks();
        const uint32_t step = (uint32_t)(now - last);
        backward += now < last;
        largest = step > largest ? step : largest;
        smallest = step < smallest ? step : smallest;
        last = now;
    }
    answer(backward);
    answer(largest);
    answer(smallest);
}

/* No instruction more or less than what is written here, which is two a turn. */
static void __attribute__((noinline)) turn(uint32_t times) {
    __asm volatile("1: subs %0, #1\n\tbne 1b" : "+r"(times) : : "cc");
}

/* Milliseconds of five million turns, and of a hundred idles on a silent line. */
static void read_millis(void) {
    uint32_t from = port_millis();
    for (uint32_t i = 0; i < 5000u; i++) {
        turn(1000u);
    }
    answer(port_millis() - from);
    from = port_millis();
    for (uint32_t i = 0; i < 100u; i++) {
        port_feed_watchdog();
        port_idle();
    }
    answer(port_millis() - from);
}

/* Takes what comes until the line has been silent, now and then too late for the ring. */
static void receive(void) {
    uint8_t bytes[64];
    uint32_t received = 0;
    uint32_t sum = 0;
    uint32_t heard = port_millis();
    while (received == 0 || port_millis() - heard < RX_TIMEOUT_MS) {
        const uint32_t count = port_read(bytes, sizeof bytes);
        port_feed_watchdog();
        for (uint32_t i = 0; i < count; i++) {
            sum = sum * 31u + bytes[i];
        }
        received += count;
        if (count == 0) {
            port_idle();
        } else {
            heard = port_millis();
            turn(received % 4096u < count ? 500000u : 1u);
        }
    }
    answer(received);
    answer(sum);
}

/* A frame deeper than anything else here. */
static void __attribute__((noinline)) use_stack(void) {
    volatile uint8_t frame[1500];
    for (uint32_t i = 0; i < sizeof frame; i++) {
        frame[i] = (uint8_t)i;
    }
    (void)frame[0];
    answer(port_stack_high_water_bytes());
}

/* Deeper than the stack: the core's stack limit is to end it. */
static uint32_t __attribute__((noinline)) fall(uint32_t depth) {
    volatile uint8_t frame[256];
    frame[0] = (uint8_t)depth;
    return depth == 0 ? 0 : fall(depth - 1u) + frame[0];
}

static void obey(uint8_t command) {
    switch (command) {
    case 't':
        read_ticks();
        break;
    case 'm':
        read_millis();
        break;
    case 'r':
        receive();
        break;
    case 's':
        answer(port_stack_high_water_bytes());
        use_stack();
        break;
    case 'b':
        answer(port_reset_cause());
        answer(port_boot_count());
        break;
    case 'R':
        port_reset();
        break;
    case 'F':
        __asm volatile("udf #0");
        break;
    case 'D':
        answer(fall(1000u));
        break;
    case 'H':
        for (;;) { /* a long block is emulated faster */
            __asm volatile(".rept 200\n\tnop\n\t.endr");
        }
        break;
    default:
        break;
    }
}

int main(void) {
    uint8_t command;
    port_init();
    for (;;) {
        port_feed_watchdog();
        if (port_read(&command, 1) == 1) {
            obey(command);
        } else {
            port_idle();
        }
    }
}
