/* The UNO's probe; test_port.py has what its own command means. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/delay_basic.h>

#define PROBE_READS       2000u
#define PROBE_READ_BYTES  8u
#define PROBE_FRAME_BYTES 60u

#define PROBE_WRAP_TICKS       65536u
#define PROBE_INTERRUPTS_OFF() cli()
#define PROBE_INTERRUPTS_ON()  sei()

/* The output register of the pins 8 to 13, and above it their directions. */
#define PROBE_PIN_STATE() (PORTB | (uint16_t)DDRB << 8)

#include "../shared/probe.h"

#define LOOPS 10000u

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

static void obey_own(uint8_t command) {
    if (command == 'l') {
        time_a_loop();
    }
}
