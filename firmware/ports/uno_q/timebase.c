#include "timebase.h"

#include "chip_timer.h"
#include "cortex_m33.h"

#define SLEEP_US 1000u

static struct {
    uint32_t last;  /* of the chip's timer */
    uint32_t wraps; /* how often that has begun anew */
} state;

void timebase_init(void) {
    chip_timer_start();
}

uint32_t timebase_millis(void) {
    const uint32_t now = chip_timer_count();
    if (now < state.last) {
        state.wraps++;
    }
    state.last = now;
    return (uint32_t)((((uint64_t)state.wraps << 32) | now) / (CHIP_TIMER_HZ / 1000u));
}

/* Never taken: its pending bit alone ends the sleep. */
void systick_handler(void) {
}

/* WFI returns as soon as an interrupt is pending, also with interrupts off; so nothing that comes
 * between the question and the sleep is missed. SysTick runs here alone, never in a timed region.
 */
void timebase_sleep_unless(bool (*has_work)(void)) {
    const uint32_t primask = interrupts_off();
    if (!has_work()) {
        SYST_RVR = SLEEP_US * (CHIP_SYSTICK_HZ / 1000000u) - 1u;
        SYST_CVR = 0;
        SYST_CSR = SYST_CSR_CORE_CLOCK | SYST_CSR_TICKINT | SYST_CSR_ENABLE;
        __asm volatile("dsb\n\twfi" : : : "memory");
        SYST_CSR = 0;
        ICSR = ICSR_PENDSTCLR;
    }
    interrupts_restore(primask);
}
