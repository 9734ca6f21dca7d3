/*
 * Measures the port from inside. Each command is a byte; the answers are 32-bit little-endian
 * words. test_port.py has the commands' meaning.
 */
#include "port.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/delay_basic.h>

/* Each command with a frame of its own, and gone after it. */
#define COMMAND static void __attribute__((noinline))

#define READS       2000u
#define WRAP_CYCLES 65536u
#define LOOPS       10000u
#define FRAME_BYTES 60u

static void answer(uint32_t word) {
    port_write((const uint8_t *)&word, sizeof word);
}

/* Reads the counter over several wraps of the timer: steps back, largest step, smallest step. */
COMMAND read_ticks(void) {
    uint32_t backward = 0, largest = 0, smallest = UINT32_MAX;
    uint32_t last = port_ticks();
    for (uint16_t i = 0; i < READS; i++) {
        const uint32_t now = port_ticks();
        const uint32_t step = now - last;
        backward += now < last;
        largest = step > largest ? step : largest;
        smallest = step < smallest ? step : smallest;
        last = now;
    }
    answer(backward);
    answer(largest);
    answer(smallest);
    answer(last / WRAP_CYCLES);
}

/* The same with interrupts off from shortly before a wrap to shortly after it: it is pending then.
 */
COMMAND read_ticks_masked(void) {
    uint32_t backward = 0, largest = 0, first, last;
    while ((uint16_t)port_ticks() < 0xF000u) {
    }
    cli();
    first = last = port_ticks();
    while (last - first < 0x2000u) {
        const uint32_t now = port_ticks();
        const uint32_t step = now - last;
        backward += now < last;
        largest = step > largest ? step : largest;
        last = now;
    }
    sei();
    answer(backward);
    answer(largest);
    answer(port_ticks() / WRAP_CYCLES - first / WRAP_CYCLES);
}

/* Ticks of a loop of LOOPS times four cycles, and of none. */
COMMAND time_a_loop(void) {
    uint32_t empty, full;
    while ((uint16_t)port_ticks() > 0x1000u) { /* no wrap's interrupt within */
    }
    empty = port_ticks();
    empty = port_ticks() - empty;
    full = port_ticks();
    _delay_loop_2(LOOPS);
    full = port_ticks() - full;
    answer(full);
    answer(empty);
}

/* Ticks in 500 ms of the other clock. */
COMMAND compare_clocks(void) {
    uint32_t from_ms = port_millis(), from;
    while (port_millis() == from_ms) {
    }
    from_ms = port_millis();
    from = port_ticks();
    while (port_millis() - from_ms < 500u) {
    }
    answer(port_ticks() - from);
}

/* Ticks of ten idles on a silent line, and of one with a byte waiting. */
COMMAND idle(void) {
    uint32_t from = port_ticks();
    for (uint8_t i = 0; i < 10; i++) {
        port_idle();
    }
    answer(port_ticks() - from);
    from = port_millis(); /* meanwhile the host has sent a byte, which stays in the ring */
    while (port_millis() - from < 40u) {
    }
    from = port_ticks();
    port_idle();
    answer(port_ticks() - from);
}

/* Takes what comes until the line has been silent: count and sum. */
COMMAND receive(void) {
    uint8_t bytes[8];
    uint32_t received = 0, sum = 0, heard = port_millis();
    while (received == 0 || port_millis() - heard < 100u) {
        const jr_size count = port_read(bytes, sizeof bytes);
        for (uint8_t i = 0; i < count; i++) {
            sum = (sum << 5) - sum + bytes[i];
        }
        received += count;
        if (count > 0) {
            heard = port_millis();
        }
    }
    answer(received);
    answer(sum);
}

/* A frame deeper than anything else here. */
COMMAND use_stack(void) {
    volatile uint8_t frame[FRAME_BYTES];
    for (uint8_t i = 0; i < sizeof frame; i++) {
        frame[i] = i;
    }
    (void)frame[0];
    answer(port_stack_high_water_bytes());
}

/* The output register of the pin around the timed region before, in and after it; its direction. */
COMMAND time_nothing(void) {
    answer(PORTB);
    port_timed_begin();
    const uint8_t within = PORTB;
    port_timed_end();
    answer(within);
    answer(PORTB);
    answer(DDRB);
}

static void obey(uint8_t command) {
    switch (command) {
    case 't':
        read_ticks();
        break;
    case 'm':
        read_ticks_masked();
        break;
    case 'l':
        time_a_loop();
        break;
    case 'c':
        compare_clocks();
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
