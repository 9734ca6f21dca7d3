#include "timebase.h"

#include <avr/interrupt.h>
#include <util/atomic.h>

#include "atmega328p.h"

/* Times that timer 1 has wrapped; every 65,536 cycles, 4.096 ms. */
static volatile uint32_t wraps;

typedef struct reading {
    uint32_t wraps;
    uint16_t count;
} reading;

void timebase_init(void) {
    TCCR1A = 0; /* normal mode, from 0 to 65,535 (section 16.9.1) */
    TIMSK1 = _BV(TOIE1);
    TCCR1B = _BV(CS10); /* the core's clock, not divided */
}

ISR(TIMER1_OVF_vect) {
    wraps++;
}

/*
 * A wrap that the interrupt has not counted shows as pending; the count is then read again,
 * because the first reading may be from before the wrap.
 */
static reading read_timer(void) {
    reading now;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        now.count = TCNT1;
        now.wraps = wraps;
        if (TIFR1 & _BV(TOV1)) {
            now.count = TCNT1;
            now.wraps++;
        }
    }
    return now;
}

uint64_t timebase_cycles(void) {
    const reading now = read_timer();
    return ((uint64_t)now.wraps << 16) | now.count;
}

/* A wrap is 4 + 12/125 ms: in two parts, so that nothing overflows and it wraps as 32 bits do. */
uint32_t timebase_millis(void) {
    const reading now = read_timer();
    const uint32_t whole = now.wraps / 125u;
    const uint8_t rest = (uint8_t)(now.wraps % 125u);
    return now.wraps * 4u + whole * 12u + rest * 12u / 125u +
           now.count / (uint16_t)(UNO_CLOCK_HZ / 1000u);
}
