#include "timebase.h"

#include <avr/interrupt.h>
#include <avr/sleep.h>
#include <util/atomic.h>

#include "atmega328p.h"

/* A wrap of timer 1 takes 65,536 cycles: 4 ms and 12/125 ms. */
#define WRAP_MS       4u
#define WRAP_MS_PARTS 12u
#define MS_PARTS      125u

static volatile uint16_t wraps; /* with the timer's own 16 bits a count of 32 */
static volatile uint32_t millis;
static uint8_t millis_parts;

void timebase_init(void) {
    TCCR1A = 0; /* normal mode, from 0 to 65,535 (section 16.9.1) */
    TIMSK1 = _BV(TOIE1);
    TCCR1B = _BV(CS10); /* the core's clock, not divided */
}

/* Takes the same cycles whichever way it goes: they are part of what a run takes. */
ISR(TIMER1_OVF_vect) {
    const uint8_t parts = millis_parts + WRAP_MS_PARTS;
    const uint8_t full = parts >= MS_PARTS;
    millis_parts = parts - (uint8_t)(-full & MS_PARTS);
    millis += WRAP_MS + full;
    wraps++;
}

/*
 * A wrap that the interrupt has not counted shows as pending; the count is then read again,
 * because the first reading may be from before the wrap.
 */
uint32_t timebase_cycles(void) {
    uint16_t count, high;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        count = TCNT1;
        high = wraps;
        if (TIFR1 & _BV(TOV1)) {
            count = TCNT1;
            high++;
        }
    }
    return (uint32_t)high << 16 | count;
}

uint32_t timebase_millis(void) {
    uint32_t now;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        now = millis;
    }
    return now;
}

/* The core wakes from sleep always as many cycles after the interrupt (section 10.3), which a loop
 * that asks would see a few later or earlier. */
void timebase_await_wrap(void) {
    const uint8_t before = (uint8_t)wraps;
    sleep_enable();
    while ((uint8_t)wraps == before) {
        sleep_cpu();
    }
    sleep_disable();
}
