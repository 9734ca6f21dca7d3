/* Board "uno": what firmware/agent/port.h asks for, from the parts beside this file. */
#include "port.h"

#include <avr/interrupt.h>
#include <avr/sleep.h>

#include "atmega328p.h"
#include "memory.h"
#include "restart.h"
#include "timebase.h"
#include "uart.h"

/* TIMED_PIN, the UNO's number of it, which the Makefile sets, is high during the timed region, for
 * a logic analyser or a power meter. Pins 8 to 13 are port B. */
#if TIMED_PIN < 8 || TIMED_PIN > 13
#error "TIMED_PIN is none of the pins 8 to 13"
#endif
#define TIMED_BIT _BV(TIMED_PIN - 8)

/* A depthwise 3x3 convolution takes 261 cycles a MAC (benchmarks/uno_kernels.py). */
#define MAX_NS_PER_MAC UINT32_C(20000)

#define EMULATOR_NAME_BYTES 16u

/* From uno.ld: behind the firmware, 16-byte aligned. */
extern const __flash uint8_t __plan_store_start[];
extern const __flash port_store __plan_stores[1];

static char emulator[EMULATOR_NAME_BYTES];

static const __flash char board_id[] = "uno";
static const __flash char domain[] = "mcu";
static const __flash char core[] = "avr5";

/*
 * No uid: the signature row's serial number is documented for the ATmega328PB alone (its data
 * sheet, DS40001906, section 31.5), and what older parts have there need not be unique.
 */
static const __flash port_info info = {
    .board_id = board_id,
    .domain = domain,
    .core = core,
    .emulator = emulator,
    .clock_hz = UNO_CLOCK_HZ,
    .tick_hz = UNO_CLOCK_HZ,
    .features = JSP_FEATURE_CYCLE_COUNTER | JSP_FEATURE_STACK_HIGH_WATER | JSP_FEATURE_RESET |
                JSP_FEATURE_WATCHDOG_HARDWARE,
    .max_ns_per_mac = MAX_NS_PER_MAC,
    .stack_bytes = UNO_STACK_BYTES,
    .static_bytes = UNO_STATIC_BYTES,
    .pool = __pool_start,
    .pool_bytes = UNO_POOL_BYTES,
    .stores = __plan_stores,
    .store_count = 1,
};

/* What does not end within its room is no name. */
static void read_emulator_name(void) {
    for (uint8_t i = 0; i < EMULATOR_NAME_BYTES; i++) {
        emulator[i] = (char)UNO_EMULATOR_NAME;
        if (emulator[i] == '\0') {
            return;
        }
    }
    emulator[0] = '\0';
}

void port_init(void) {
    restart_init();
    DDRB = TIMED_BIT;
    set_sleep_mode(SLEEP_MODE_IDLE);
    read_emulator_name();
    timebase_init();
    uart_init();
    restart_start_watchdog(); /* lets interrupts in */
}

const JR_PLAN port_info *port_get_info(void) {
    return &info;
}

uint8_t port_reset_cause(void) {
    return restart_cause();
}

uint32_t port_boot_count(void) {
    return restart_boot_count();
}

jr_size port_read(uint8_t *buffer, jr_size capacity) {
    return uart_read(buffer, (uint8_t)capacity);
}

void port_write(const uint8_t *data, jr_size count) {
    restart_feed_watchdog();
    for (; count > 0; count--) {
        uart_send(*data++);
    }
}

/* The timer's wrap wakes too: after 4 ms at most. What comes between the question and the sleep
 * wakes, because the instruction after sei comes before any interrupt (section 7.7). */
void port_idle(void) {
    cli();
    if (uart_is_empty()) {
        sleep_enable();
        sei();
        sleep_cpu();
        sleep_disable();
    }
    sei();
}

port_tick port_ticks(void) {
    return timebase_cycles();
}

uint32_t port_millis(void) {
    return timebase_millis();
}

/*
 * Interrupts stay on: without the timer's, time would stop after 4 ms. It is in the measured time,
 * 0.1 % of it, and always in the same places, because each run begins where the timer does. The
 * USART's comes only if the host sends during a run.
 */
void port_timed_begin(void) {
    timebase_await_wrap();
    PORTB |= TIMED_BIT;
}

void port_timed_end(void) {
    PORTB &= (uint8_t)~TIMED_BIT;
}

void port_feed_watchdog(void) {
    restart_feed_watchdog();
}

void port_reset(void) {
    uart_drain();
    restart_on_request();
}

const JR_PLAN uint8_t *port_store_address(uint8_t store) {
    (void)store;
    return __plan_store_start;
}
