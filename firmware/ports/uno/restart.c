#include "restart.h"

#include <avr/interrupt.h>
#include <avr/wdt.h>

#include "atmega328p.h"
#include "jsp_protocol.h"

#define RECORD_KEY UINT32_C(0x6a73706b)

/* What the firmware itself knows about the reset that is to come. */
enum { MARK_NONE, MARK_REQUEST, MARK_HANG };

/* In RAM that no reset clears; after power-on it holds noise, which `check` gives away. */
static struct {
    uint32_t boot_count;
    uint32_t check;
    uint8_t mark;
    uint8_t flags; /* MCUSR of this start */
    uint8_t cause;
} kept __attribute__((section(".noinit")));

/*
 * Before C's start-up code: after a watchdog reset the watchdog runs on with 16 ms until WDRF and
 * WDE are cleared (section 11.8.2).
 */
void restart_take_flags(void) __attribute__((naked, used, section(".init3")));
void restart_take_flags(void) {
    kept.flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

/*
 * The marks come first, for on a board with Optiboot the flags are not to be had: the version that
 * UNOs are sold with clears MCUSR and says nothing, and after a pin reset it starts the
 * program through a watchdog reset. (Later versions pass flags in r2; but that is the watchdog's
 * too, and with the old one r2 is noise.) So no flag and no mark, with the RAM kept, is the pin.
 */
static uint8_t reset_cause(void) {
    if (kept.mark == MARK_REQUEST) {
        return JSP_RESET_SOFTWARE;
    }
    if (kept.mark == MARK_HANG) {
        return JSP_RESET_WATCHDOG;
    }
    if (kept.flags & _BV(EXTRF)) {
        return JSP_RESET_PIN;
    }
    return (kept.flags & _BV(WDRF)) ? JSP_RESET_WATCHDOG : JSP_RESET_PIN;
}

void restart_init(void) {
    if (kept.check != (kept.boot_count ^ RECORD_KEY) || (kept.flags & (_BV(PORF) | _BV(BORF)))) {
        kept.boot_count = 0;
        kept.cause = JSP_RESET_POWER_ON;
    } else {
        kept.cause = reset_cause();
    }
    kept.boot_count++;
    kept.check = kept.boot_count ^ RECORD_KEY;
    kept.mark = MARK_NONE;
}

uint8_t restart_cause(void) {
    return kept.cause;
}

uint32_t restart_boot_count(void) {
    return kept.boot_count;
}

/* Its first time-out is an interrupt, which leaves the mark; the next one is a reset (table 11-1).
 */
static void set_watchdog(uint8_t period) {
    cli();
    wdt_reset();
    WDTCSR = _BV(WDCE) | _BV(WDE); /* a change must follow within four cycles (section 11.8.2) */
    WDTCSR = period;
    sei();
}

void restart_start_watchdog(void) {
    set_watchdog(_BV(WDIE) | _BV(WDE) | _BV(WDP3) | _BV(WDP0)); /* 8 s */
}

void restart_feed_watchdog(void) {
    wdt_reset();
}

static void __attribute__((noreturn)) restart_with(uint8_t mark) {
    kept.mark = mark;
    set_watchdog(_BV(WDE)); /* 16 ms */
    for (;;) {
    }
}

ISR(WDT_vect) {
    restart_with(MARK_HANG);
}

void restart_on_request(void) {
    restart_with(MARK_REQUEST);
}
