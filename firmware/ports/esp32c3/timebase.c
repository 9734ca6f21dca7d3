#include "timebase.h"

#include "alarm.h"
#include "machine.h"

/*
 * The core looks for bytes again soon after it was busy, and after a while no more than once in a
 * millisecond.
 */
#define SHORTEST_SLEEP (MACHINE_MTIME_PER_MS / 16u)
#define LONGEST_SLEEP  MACHINE_MTIME_PER_MS

static struct {
    uint64_t alarm; /* the watchdog's, while a sleep has its own in mtimecmp */
    uint32_t sleep;
} state;

static uint64_t read_mtime(void) {
    uint32_t high, low;
    do { /* again if the low word wraps in between, once in 7 minutes */
        high = MACHINE_REG(MACHINE_MTIME_HIGH);
        low = MACHINE_REG(MACHINE_MTIME_LOW);
    } while (MACHINE_REG(MACHINE_MTIME_HIGH) != high);
    return ((uint64_t)high << 32) | low;
}

/* Never earlier than the old or the new value on the way (privileged specification 3.2.1). */
static void write_mtimecmp(uint64_t value) {
    MACHINE_REG(MACHINE_MTIMECMP_LOW) = 0xffffffffu;
    MACHINE_REG(MACHINE_MTIMECMP_HIGH) = (uint32_t)(value >> 32);
    MACHINE_REG(MACHINE_MTIMECMP_LOW) = (uint32_t)value;
}

void timebase_init(void) {
    state.sleep = SHORTEST_SLEEP;
    __asm volatile("csrs mie, %0" : : "r"(MACHINE_MIE_TIMER));
    __asm volatile("csrs mstatus, %0" : : "r"(MACHINE_MSTATUS_MIE));
}

uint64_t timebase_ticks(void) {
    uint32_t high, low, high_after;
    do {
        __asm volatile("csrr %0, mcycleh\n\tcsrr %1, mcycle\n\tcsrr %2, mcycleh"
                       : "=r"(high), "=r"(low), "=r"(high_after));
    } while (high_after != high);
    return (((uint64_t)high << 32) | low) >> MACHINE_INSTRUCTION_NS_LOG2;
}

uint32_t timebase_millis(void) {
    return (uint32_t)(read_mtime() / MACHINE_MTIME_PER_MS);
}

void alarm_set(uint32_t from_now_ms) {
    state.alarm = read_mtime() + (uint64_t)from_now_ms * MACHINE_MTIME_PER_MS;
    write_mtimecmp(state.alarm);
}

/* WFI returns as an enabled interrupt is pending, also with interrupts off (3.3.3): none is taken.
 */
static void sleep_for(uint32_t counts) {
    __asm volatile("csrc mstatus, %0" : : "r"(MACHINE_MSTATUS_MIE) : "memory");
    write_mtimecmp(read_mtime() + counts);
    __asm volatile("wfi" : : : "memory");
    write_mtimecmp(state.alarm);
    __asm volatile("csrs mstatus, %0" : : "r"(MACHINE_MSTATUS_MIE) : "memory");
}

void timebase_sleep_unless(bool (*has_work)(void)) {
    if (has_work()) {
        state.sleep = SHORTEST_SLEEP;
        return;
    }
    sleep_for(state.sleep);
    if (has_work()) {
        state.sleep = SHORTEST_SLEEP;
    } else if (state.sleep < LONGEST_SLEEP) {
        state.sleep *= 2u;
    }
}
