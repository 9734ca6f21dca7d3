/*
 * Measures the port from inside. Each command is a byte; the answers are 32-bit
 * little-endian words. test_port.py has the commands' meaning.
 */
#include "port.h"

#include <stddef.h>

#define READS         500000u
#define INTERVAL_MS   300u
#define SPARE_IRQ     25u
#define RX_TIMEOUT_MS 200u
#define NVIC_ISER     (*(volatile uint32_t *)0xe000e100u)
#define NVIC_ISPR     (*(volatile uint32_t *)0xe000e200u)
/* RP2040 data sheet, section 2.19.6.1. */
#define IO_BANK0_STATUS(pin) (*(volatile uint32_t *)(0x40014000u + 8u * (pin)))

static void answer(uint32_t word) {
    port_write((const uint8_t *)&word, sizeof word);
}

static void wait_ms(uint32_t ms) {
    const uint32_t from = port_millis();
    while (port_millis() - from < ms) {
        port_feed_watchdog();
    }
}

/* Reads the counter over two wraps of SysTick: steps back, largest step, smallest step. */
static void read_ticks(void) {
    uint32_t backward = 0;
    uint32_t largest = 0;
    uint32_t smallest = 0xffffffffu;
    uint64_t last = port_ticks();
    for (uint32_t i = 0; i < READS; i++) {
        const uint64_t now = port_ticks();
        const uint32_t step = (uint32_t)(now - last);
        if (now < last) {
            backward++;
        }
        largest = step > largest ? step : largest;
        smallest = step < smallest ? step : smallest;
        last = now;
    }
    answer(backward);
    answer(largest);
    answer(smallest);
    answer((uint32_t)(last >> 24));
}

/* The same with interrupts off from shortly before a wrap to shortly after it: it is pending then.
 */
static void read_ticks_masked(void) {
    uint32_t backward = 0;
    uint32_t largest = 0;
    while (((uint32_t)port_ticks() & 0xffffffu) < 0xfff000u) {
        port_feed_watchdog();
    }
    __asm volatile("cpsid i" : : : "memory");
    const uint64_t first = port_ticks();
    uint64_t last = first;
    while (last - first < 0x4000u) {
        const uint64_t now = port_ticks();
        const uint32_t step = (uint32_t)(now - last);
        backward += now < last;
        largest = step > largest ? step : largest;
        last = now;
    }
    __asm volatile("cpsie i" : : : "memory");
    const uint64_t after = port_ticks();
    backward += after < last;
    answer(backward);
    answer(largest);
    answer((uint32_t)((after >> 24) - (first >> 24)));
}

/* Ticks in an interval that the other timer measures. */
static void compare_timers(void) {
    wait_ms(1);
    const uint64_t from = port_ticks();
    wait_ms(INTERVAL_MS);
    answer((uint32_t)(port_ticks() - from));
}

/* Ticks of ten idles on a silent line, and of one with a byte waiting. */
static void idle(void) {
    uint64_t from = port_ticks();
    for (uint32_t i = 0; i < 10; i++) {
        port_idle();
    }
    answer((uint32_t)(port_ticks() - from));
    answer(0);
    wait_ms(20); /* the host has answered with a byte, which stays in the ring */
    from = port_ticks();
    port_idle();
    answer((uint32_t)(port_ticks() - from));
}

/* Takes what comes until the line has been silent, working between reads: count and sum. */
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
        if (count > 0) {
            heard = port_millis();
        }
        if (received % 1024u < count) { /* as long as the port says that the agent may take */
            const uint64_t from = port_ticks();
            while (port_ticks() - from < port_get_info()->tick_hz / 1000u * 4u) {
            }
        }
    }
    answer(received);
    answer(sum);
}

/* A frame deeper than anything else here. */
static void use_stack(void) {
    volatile uint8_t frame[700];
    for (uint32_t i = 0; i < sizeof frame; i++) {
        frame[i] = (uint8_t)i;
    }
    (void)frame[0];
    answer(port_stack_high_water_bytes());
}

/* As many bytes as the next two received say, in one call of port_write(). */
static void send_at_once(void) {
    uint8_t bytes[256], count[2];
    for (uint32_t had = 0; had < sizeof count;) {
        had += port_read(count + had, sizeof count - had);
    }
    for (uint32_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    port_write(bytes, count[0] | (uint32_t)(count[1] & 1u) << 8);
}

/* The pad of the pin around the timed region, before, in and after it. */
static void time_nothing(void) {
    answer(IO_BANK0_STATUS(TIMED_PIN));
    port_timed_begin();
    const uint32_t within = IO_BANK0_STATUS(TIMED_PIN);
    port_timed_end();
    answer(within);
    answer(IO_BANK0_STATUS(TIMED_PIN));
}

static void obey(uint8_t command) {
    switch (command) {
    case 't':
        read_ticks();
        break;
    case 'm':
        read_ticks_masked();
        break;
    case 'c':
        compare_timers();
        break;
    case 'i':
        idle();
        break;
    case 'r':
        receive();
        break;
    case 's':
        answer(port_stack_high_water_bytes());
        use_stack();
        break;
    case 'z':
        send_at_once();
        break;
    case 'b':
        answer(port_reset_cause());
        answer(port_boot_count());
        break;
    case 'p':
        time_nothing();
        break;
    case 'R':
        port_reset();
        break;
    case 'F': /* an interrupt that nothing expects */
        NVIC_ISER = 1u << SPARE_IRQ;
        NVIC_ISPR = 1u << SPARE_IRQ;
        break;
    case 'H': /* hangs */
        for (;;) {
            port_idle();
        }
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
