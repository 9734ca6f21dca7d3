/* DWT's cycle counter, 32 bits wide: extended whenever it is read. It stands still in sleep. */
#include "cycles.h"

#include "cortex_m33.h"

static struct {
    uint32_t last;
    uint32_t wraps; /* every 26.8 s at 160 MHz; the watchdog lets no run go on for so long unread */
} state;

void cycles_init(void) {
    DEMCR |= DEMCR_TRCENA;
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
}

uint64_t cycles_read(void) {
    const uint32_t now = DWT_CYCCNT;
    if (now < state.last) {
        state.wraps++;
    }
    state.last = now;
    return ((uint64_t)state.wraps << 32) | now;
}
