/*
 * The probe that runs in the agent's place and measures a port from inside. A command is a byte;
 * its answers are 32-bit little-endian words. probe.py is the host's side.
 *
 * A board's probe.c defines what follows, includes this file, and adds commands in obey_own().
 *
 *   PROBE_READS        of the counter, for 't'
 *   PROBE_READ_BYTES   the most that 'r' takes at once
 *   PROBE_FRAME_BYTES  of stack for 's', more than anything else here uses
 *   PROBE_WORK(received, count)   what 'r' does after taking `count` bytes; nothing where undefined
 *   PROBE_WRAP_TICKS, PROBE_INTERRUPTS_OFF(), PROBE_INTERRUPTS_ON()   for 'w', where the counter is
 *                      longer than its timer, which wraps after a power of two
 *   PROBE_TURNS(times) for 'm', where time follows instructions: `times` loops of two of them
 *   PROBE_PIN_STATE()  for 'p', where a pin is high during the timed region
 */
#ifndef PROBE_H
#define PROBE_H

#include "port.h"

/* Each command with a frame of its own, and gone after it. */
#define COMMAND static void __attribute__((noinline))

#define PROBE_QUIET_MS 200u

/* What else the board's probe knows. */
static void obey_own(uint8_t command);

static void answer(uint32_t word) {
    port_write((const uint8_t *)&word, sizeof word);
}

static void wait_ms(uint32_t ms) {
    const uint32_t from = port_millis();
    while (port_millis() - from < ms) {
        port_feed_watchdog();
    }
}

/* Reads the counter many times: steps back, largest step, smallest step, the last it read. */
COMMAND read_ticks(void) {
    uint32_t backward = 0, largest = 0, smallest = UINT32_MAX;
    port_tick last = port_ticks();
    for (jr_size left = PROBE_READS; left > 0; left--) {
        const port_tick now = port_ticks();
        const uint32_t step = (uint32_t)(now - last);
        backward += now < last;
        largest = step > largest ? step : largest;
        smallest = step < smallest ? step : smallest;
        last = now;
    }
    answer(backward);
    answer(largest);
    answer(smallest);
    answer((uint32_t)last);
}

#ifdef PROBE_WRAP_TICKS
/*
 * The same with interrupts off from shortly before a wrap to shortly after it, which is pending
 * then: steps back, largest step, wraps.
 */
COMMAND read_ticks_masked(void) {
    uint32_t backward = 0, largest = 0;
    port_tick first, last;
    while ((uint32_t)port_ticks() % PROBE_WRAP_TICKS < PROBE_WRAP_TICKS - 0x1000u) {
        port_feed_watchdog();
    }
    PROBE_INTERRUPTS_OFF();
    first = last = port_ticks();
    while (last - first < 0x4000u) {
        const port_tick now = port_ticks();
        const uint32_t step = (uint32_t)(now - last);
        backward += now < last;
        largest = step > largest ? step : largest;
        last = now;
    }
    PROBE_INTERRUPTS_ON();
    const port_tick after = port_ticks();
    backward += after < last;
    answer(backward);
    answer(largest);
    answer((uint32_t)(after / PROBE_WRAP_TICKS - first / PROBE_WRAP_TICKS));
}
#endif

#ifdef PROBE_TURNS
/* No instruction more or less than two a turn. */
static void __attribute__((noinline)) turn(uint32_t times) {
    PROBE_TURNS(times);
}

/* Milliseconds of five million turns, and of a hundred idles on a silent line. */
COMMAND read_millis(void) {
    uint32_t from = port_millis();
    for (uint32_t i = 0; i < 5000u; i++) {
        turn(1000u);
    }
    answer(port_millis() - from);
    for (uint32_t i = 0; i < 10u; i++) { /* until the answer has left */
        port_idle();
    }
    from = port_millis();
    for (uint32_t i = 0; i < 100u; i++) {
        port_feed_watchdog();
        port_idle();
    }
    answer(port_millis() - from);
}
#endif

/* Ticks in half a second of the other clock. */
COMMAND compare_clocks(void) {
    wait_ms(1); /* it has just gone on */
    const port_tick from = port_ticks();
    wait_ms(500);
    answer((uint32_t)(port_ticks() - from));
}

/* Ticks of ten idles on a silent line. */
COMMAND idle(void) {
    const port_tick from = port_ticks();
    for (uint8_t i = 0; i < 10; i++) {
        port_idle();
    }
    answer((uint32_t)(port_ticks() - from));
}

/* Ticks of one idle with a byte waiting, which the host has sent together with the command. */
COMMAND idle_with_work(void) {
    wait_ms(2); /* meanwhile it arrives, and stays in the ring */
    const port_tick from = port_ticks();
    port_idle();
    answer((uint32_t)(port_ticks() - from));
}

/* Takes what comes until the line has been silent: count, and sum = 31 * sum + byte. */
COMMAND receive(void) {
    uint8_t bytes[PROBE_READ_BYTES];
    uint32_t received = 0, sum = 0, heard = port_millis();
    while (received == 0 || port_millis() - heard < PROBE_QUIET_MS) {
        const jr_size count = port_read(bytes, sizeof bytes);
        port_feed_watchdog();
        for (jr_size i = 0; i < count; i++) {
            sum = (sum << 5) - sum + bytes[i]; /* a multiplication is slow on AVR */
        }
        received += count;
        if (count == 0) {
            port_idle();
        } else {
            heard = port_millis();
#ifdef PROBE_WORK
            PROBE_WORK(received, count);
#endif
        }
    }
    answer(received);
    answer(sum);
}

COMMAND use_stack(void) {
    volatile uint8_t frame[PROBE_FRAME_BYTES];
    for (jr_size i = 0; i < sizeof frame; i++) {
        frame[i] = (uint8_t)i;
    }
    (void)frame[0];
    answer(port_stack_high_water_bytes());
}

#ifdef PROBE_PIN_STATE
/* The pin before the timed region, in it and after it. */
COMMAND time_nothing(void) {
    answer(PROBE_PIN_STATE());
    port_timed_begin();
    const uint32_t within = PROBE_PIN_STATE();
    port_timed_end();
    answer(within);
    answer(PROBE_PIN_STATE());
}
#endif

static void obey(uint8_t command) {
    switch (command) {
    case 't':
        read_ticks();
        break;
#ifdef PROBE_WRAP_TICKS
    case 'w':
        read_ticks_masked();
        break;
#endif
#ifdef PROBE_TURNS
    case 'm':
        read_millis();
        break;
#endif
    case 'c':
        compare_clocks();
        break;
    case 'i':
        idle();
        break;
    case 'j':
        idle_with_work();
        break;
    case 'r':
        receive();
        break;
    case 's':
        answer(port_stack_high_water_bytes());
        use_stack();
        break;
#ifdef PROBE_PIN_STATE
    case 'p':
        time_nothing();
        break;
#endif
    case 'b':
        answer(port_reset_cause());
        answer(port_boot_count());
        break;
    case 'R':
        port_reset();
        break;
    case 'H': /* hangs */
        for (;;) {
            port_idle();
        }
    default:
        obey_own(command);
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

#endif
