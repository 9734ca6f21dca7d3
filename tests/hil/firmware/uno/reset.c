/** Says why it started and what it still knows; then resets itself as it is told. */
#include <avr/wdt.h>

#include "uno.h"

#define MARKER 0x00c0ffeeul

static uint32_t marker __attribute__((section(".noinit")));
static uint8_t reset_flags __attribute__((section(".noinit")));

/* After a watchdog reset the watchdog runs on with its shortest time-out (section 11.8.2). */
static void __attribute__((naked, used, section(".init3"))) stop_watchdog(void) {
    reset_flags = MCUSR;
#ifndef KEEP_WATCHDOG
    MCUSR = 0;
    wdt_disable();
#endif
}

static volatile uint16_t watchdog_ms;
static volatile uint16_t milliseconds;

ISR(TIMER0_COMPA_vect) {
    milliseconds++;
}

ISR(WDT_vect) {
    watchdog_ms = milliseconds;
}

/** Milliseconds from the watchdog's start to its interrupt, with the longest but two of its
 * time-outs. */
static void time_watchdog(void) {
    OCR0A = 249;
    TCCR0A = _BV(WGM01);
    TCCR0B = _BV(CS01) | _BV(CS00); /* 16 MHz / 64 / 250 */
    TIMSK0 = _BV(OCIE0A);
    cli();
    WDTCSR = _BV(WDCE) | _BV(WDE);
    WDTCSR = _BV(WDIE) | _BV(WDP2) | _BV(WDP1); /* table 11-2: 1.0 s */
    milliseconds = 0;
    watchdog_ms = 0;
    sei();
    while (watchdog_ms == 0) {
    }
    cli();
    TIMSK0 = 0;
    wdt_disable();
    send_number(watchdog_ms);
}

int main(void) {
    /* Registers that a reset of the whole chip clears, before anything sets them. */
    const uint8_t left_over = TCCR1B | UCSR0B | PORTB | GPIOR0 | TIMSK1 | (SREG & _BV(SREG_I));
    uart_start();
    send_number(reset_flags);
    send_number(marker);
    send_number(left_over);
    marker = MARKER;
    TCCR1B = _BV(CS10);
    PORTB = 0xff;
    GPIOR0 = 0xff;
    for (;;) {
        switch (uart_receive()) {
        case 'w': /* a hang */
            wdt_enable(WDTO_15MS);
            for (;;) {
            }
        case 'x': /* the same, and an attempt to stop it without the timed sequence */
            wdt_enable(WDTO_15MS);
            WDTCSR = 0;
            for (;;) {
            }
        case 'f': /* fed in time, it does nothing */
            wdt_enable(WDTO_15MS);
            TCCR0B = _BV(CS02) | _BV(CS00); /* 16 MHz / 1024: overflows every 16.4 ms */
            for (uint8_t round = 0; round < 10; round++) {
                TIFR0 = _BV(TOV0);
                while (!(TIFR0 & _BV(TOV0))) {
                    wdt_reset();
                }
            }
            wdt_disable();
            uart_send('f');
            break;
        case 'i':
            time_watchdog();
            break;
        }
    }
}
