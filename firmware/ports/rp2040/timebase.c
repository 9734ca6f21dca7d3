#include "timebase.h"

#include "clocks.h"
#include "rp2040.h"

#define SLEEP_US 1000u

static struct {
    volatile uint32_t wraps; /* of SysTick, every 2^24 cycles, 126 ms */
    uint32_t phase;          /* cycles of a period that were over when it was last restarted */
} count;

void timebase_init(void) {
    clocks_release_from_reset(RP_RESETS_TIMER);
    RP_REG(RP_TIMER_INTE) = RP_TIMER_ALARM0_BIT;
    RP_REG(RP_NVIC_ISER) = 1u << RP_IRQ_TIMER0;

    RP_REG(RP_SYST_RVR) = RP_SYST_MASK;
    RP_REG(RP_SYST_CVR) = 0;
    RP_REG(RP_SYST_CSR) = RP_SYST_CSR_CORE_CLOCK | RP_SYST_CSR_TICKINT | RP_SYST_CSR_ENABLE;
}

RP_RAM_CODE("systick_handler") void systick_handler(void) {
    count.wraps++;
}

/*
 * SysTick counts down and raises its interrupt in the cycle in which it reaches 0, so
 * 0 belongs to the new period: minus the value is how far into a period it is. With
 * interrupts off a wrap that has not been counted shows as pending; the value is then
 * read again, because the first may be from before the wrap.
 */
uint64_t timebase_cycles(void) {
    const uint32_t primask = rp_interrupts_off();
    uint32_t value = RP_REG(RP_SYST_CVR);
    uint32_t wraps = count.wraps;
    if (RP_REG(RP_ICSR) & RP_ICSR_PENDSTSET) {
        value = RP_REG(RP_SYST_CVR);
        wraps++;
    }
    rp_interrupts_restore(primask);
    return ((uint64_t)wraps << RP_SYST_BITS) + (((0u - value) & RP_SYST_MASK) + count.phase);
}

/* Writing the value clears it, and a pending interrupt is already in the count. The few cycles
 * between reading and writing are lost. */
void timebase_restart(void) {
    const uint32_t primask = rp_interrupts_off();
    const uint64_t cycles = timebase_cycles();
    RP_REG(RP_SYST_CVR) = 0;
    RP_REG(RP_ICSR) = RP_ICSR_PENDSTCLR;
    count.wraps = (uint32_t)(cycles >> RP_SYST_BITS);
    count.phase = (uint32_t)cycles & RP_SYST_MASK;
    rp_interrupts_restore(primask);
}

uint32_t timebase_millis(void) {
    uint32_t high = RP_REG(RP_TIMER_TIMERAWH);
    uint32_t low = RP_REG(RP_TIMER_TIMERAWL);
    const uint32_t high_after = RP_REG(RP_TIMER_TIMERAWH);
    if (high_after != high) { /* low wrapped in between: once in 71 minutes, so not again now */
        high = high_after;
        low = RP_REG(RP_TIMER_TIMERAWL);
    }
    return (uint32_t)((((uint64_t)high << 32) | low) / 1000u);
}

uint32_t timebase_micros(void) {
    return RP_REG(RP_TIMER_TIMERAWL);
}

/* Normally not taken: timebase_sleep_unless() withdraws the alarm before it lets interrupts in. */
RP_RAM_CODE("timer0_handler") void timer0_handler(void) {
    RP_REG(RP_TIMER_INTR) = RP_TIMER_ALARM0_BIT;
}

/*
 * WFI returns as soon as an interrupt is pending, also with interrupts off; so nothing
 * that comes between the question and the sleep is missed. The alarm is withdrawn so
 * that none goes off in a timed region. USB's is enabled here alone: it wakes, and is
 * never taken.
 */
void timebase_sleep_unless(bool (*has_work)(void)) {
    const uint32_t primask = rp_interrupts_off();
    if (!has_work()) {
        RP_REG(RP_TIMER_ALARM0) = RP_REG(RP_TIMER_TIMERAWL) + SLEEP_US;
        RP_REG(RP_NVIC_ICPR) = 1u << RP_IRQ_USBCTRL; /* pending since before it was served */
        RP_REG(RP_NVIC_ISER) = 1u << RP_IRQ_USBCTRL;
        __asm volatile("dsb\n\twfi" : : : "memory");
        RP_REG(RP_NVIC_ICER) = 1u << RP_IRQ_USBCTRL;
        RP_REG(RP_TIMER_ARMED) = RP_TIMER_ALARM0_BIT;
        RP_REG(RP_TIMER_INTR) = RP_TIMER_ALARM0_BIT;
        (void)RP_REG(RP_TIMER_INTR); /* the line is down before its pending bit is cleared */
        RP_REG(RP_NVIC_ICPR) = 1u << RP_IRQ_TIMER0;
    }
    rp_interrupts_restore(primask);
}
