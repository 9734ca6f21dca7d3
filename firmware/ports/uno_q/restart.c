#include "restart.h"

#include "chip.h"
#include "cortex_m33.h"
#include "jsp_protocol.h"

#define RECORD_KEY 0x6a73706bu

/* In RAM that no reset clears; after power-on it holds noise, which `check` gives away. */
static volatile struct {
    uint32_t boot_count;
    uint32_t mark;
    uint32_t check;
} kept __attribute__((section(".noinit")));

static uint32_t kept_check(void) {
    return kept.boot_count ^ (kept.mark << 24) ^ RECORD_KEY;
}

static void keep(uint32_t boot_count, restart_mark mark) {
    kept.boot_count = boot_count;
    kept.mark = mark;
    kept.check = kept_check();
}

restart_record restart_read(void) {
    const restart_mark mark =
        kept.check == kept_check() ? (restart_mark)kept.mark : MARK_NOTHING_KEPT;
    restart_record record;
    record.cause = chip_reset_cause(mark);
    record.boot_count = 1;
    if (mark != MARK_NOTHING_KEPT && record.cause != JSP_RESET_POWER_ON) {
        record.boot_count = kept.boot_count + 1u;
    }
    keep(record.boot_count, MARK_NONE);
    return record;
}

void restart_leave_mark(restart_mark mark) {
    keep(kept.boot_count, mark);
}

static void __attribute__((noreturn)) restart(restart_mark mark) {
    restart_leave_mark(mark);
    __asm volatile("dsb" : : : "memory");
    AIRCR = AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

void restart_on_request(void) {
    restart(MARK_REQUEST);
}

void restart_after_fault(void) {
    restart(MARK_FAULT);
}

/* Faults, and every exception that nothing enables. */
void fault_handler(void) {
    restart_after_fault();
}
