/*
 * Measures the port from inside. Each command is a byte; the answers are 32-bit little-endian
 * words. test_port.py has the commands' meaning.
 */
#include "port.h"

#include <stddef.h>

#define READS         20000u
#define LOOPS         1000u
#define RX_TIMEOUT_MS 200u

static void answer(uint32_t word) {
    port_write((const uint8_t *)&word, sizeof word);
}

/* Reads the counter many times: steps back, largest step, smallest step. */
static void read_ticks(void) {
    uint32_t backward = 0;
    uint32_t largest = 0;
    uint32_t smallest = 0xffffffffu;
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
#if defined(__riscv)
    __asm volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+r"(times));
#else
    __asm volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+a"(times));
#endif
}

static uint32_t ticks_of(uint32_t turns) {
    const uint64_t from = port_ticks();
    turn(turns);
    return (uint32_t)(port_ticks() - from);
}

/* Milliseconds of five million turns, and of a hundred idles on a silent line. */
static void read_millis(void) {
    uint32_t from = port_millis();
    for (uint32_t i = 0; i < 5000u; i++) {
        turn(1000u);
    }
    answer(port_millis() - from);
    for (uint32_t i = 0; i < 10u; i++) {
        port_idle();
    }
    from = port_millis();
    for (uint32_t i = 0; i < 100u; i++) {
        port_feed_watchdog();
        port_idle();
    }
    answer(port_millis() - from);
}

/* Takes what comes until the line has been silent: count and sum. */
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
        } else {
            port_idle();
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

/* Operations that the compiler may call a library for, on the two words received. */
static void compute(void) {
    union {
        uint32_t words[2];
        uint8_t bytes[8];
    } in;
    for (uint32_t had = 0; had < sizeof in;) {
        had += port_read(in.bytes + had, sizeof in - had);
    }
    const volatile uint32_t a = in.words[0], b = in.words[1];
    answer(a / b);
    answer(a % b);
    answer((uint32_t)((int32_t)a / (int32_t)b));
    const uint64_t product = (uint64_t)a * b;
    answer((uint32_t)product);
    answer((uint32_t)(product >> 32));
    const int64_t wide = (int64_t)(((uint64_t)b << 32) | a) * (int64_t)(((uint64_t)a << 32) | b);
    answer((uint32_t)wide);
    answer((uint32_t)((uint64_t)wide >> 32));
}

static void obey(uint8_t command) {
    switch (command) {
    case 't':
        read_ticks();
        break;
    case 'n':
        answer(ticks_of(2u * LOOPS) - ticks_of(LOOPS));
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
    case 'a':
        compute();
        break;
    case 'b':
        answer(port_reset_cause());
        answer(port_boot_count());
        break;
    case 'R':
        port_reset();
        break;
    case 'F': /* what no processor has */
#if defined(__riscv)
        __asm volatile("unimp");
#else
        __asm volatile("ill");
#endif
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
