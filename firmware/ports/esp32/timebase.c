#include "timebase.h"

#include "alarm.h"
#include "machine.h"

/* ICOUNT counts at interrupt levels below this. */
#define COUNTED_LEVELS 1u

/*
 * Nothing wakes the core when bytes come: it looks again soon after it was busy, and after a
 * while no more than once in a millisecond.
 */
#define SHORTEST_SLEEP (MACHINE_CCOUNT_PER_MS / 16u)
#define LONGEST_SLEEP  MACHINE_CCOUNT_PER_MS

static struct {
    uint64_t instructions; /* before ICOUNT was last set back */
    uint32_t counts;       /* CCOUNT at the last reading */
    uint32_t millis;       /* and the time then: whole milliseconds, and counts beyond them */
    uint32_t rest;
    uint32_t alarm;
    uint32_t sleep;
} state;

/* CCOUNT wraps every 107 s; every feeding of the watchdog reads it. */
static uint32_t read_counts(void) {
    uint32_t now;
    MACHINE_READ_SPECIAL(ccount, now);
    state.rest += now - state.counts;
    state.millis += state.rest / MACHINE_CCOUNT_PER_MS;
    state.rest %= MACHINE_CCOUNT_PER_MS;
    state.counts = now;
    return now;
}

void timebase_init(void) {
    state.sleep = SHORTEST_SLEEP;
    MACHINE_WRITE_SPECIAL(icount, 0);
    MACHINE_WRITE_SPECIAL(icountlevel, COUNTED_LEVELS);
    MACHINE_WRITE_SPECIAL(intenable, 1u << MACHINE_TIMER_INTERRUPT);
}

/* Set back each time: as it reaches zero by itself it raises an exception (section 4.7.7.4). */
uint64_t timebase_ticks(void) {
    uint32_t count;
    MACHINE_READ_SPECIAL(icount, count);
    MACHINE_WRITE_SPECIAL(icount, 0);
    state.instructions += count;
    return state.instructions;
}

uint32_t timebase_millis(void) {
    (void)read_counts();
    return state.millis;
}

void alarm_set(uint32_t from_now_ms) {
    state.alarm = read_counts() + from_now_ms * MACHINE_CCOUNT_PER_MS;
    MACHINE_WRITE_SPECIAL(ccompare0, state.alarm);
}

void timebase_sleep_unless(bool (*has_work)(void)) {
    if (has_work()) {
        state.sleep = SHORTEST_SLEEP;
        return;
    }
    machine_wait(read_counts() + state.sleep);
    MACHINE_WRITE_SPECIAL(ccompare0, state.alarm);
    if (has_work()) {
        state.sleep = SHORTEST_SLEEP;
    } else if (state.sleep < LONGEST_SLEEP) {
        state.sleep *= 2u;
    }
}
