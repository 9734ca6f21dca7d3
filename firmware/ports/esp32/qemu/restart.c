#include "restart.h"

#include "alarm.h"
#include "jsp_protocol.h"
#include "machine.h"

#define RECORD_KEY  0x6a73706bu
#define WATCHDOG_MS 8000u

/* What the firmware itself knows about the reset that is to come: no register here tells. */
enum { MARK_NONE, MARK_REQUEST, MARK_HANG };

/* In RAM that no reset clears; what power-on leaves there, `check` gives away. */
typedef struct kept_record {
    uint32_t boot_count;
    uint32_t mark;
    uint32_t check;
} kept_record;

static volatile kept_record kept __attribute__((section(".noinit")));

/* Where start.S ends: at the watchdog's interrupt, and at every exception. */
void restart_after_hang(void) __attribute__((noreturn));

static uint32_t kept_check(void) {
    return kept.boot_count ^ (kept.mark << 16) ^ RECORD_KEY;
}

static void keep(uint32_t boot_count, uint32_t mark) {
    kept.boot_count = boot_count;
    kept.mark = mark;
    kept.check = kept_check();
}

/* A reset that the firmware did not ask for, with the memory kept, came over the pin. */
static uint8_t reset_cause(uint32_t mark) {
    switch (mark) {
    case MARK_REQUEST:
        return JSP_RESET_SOFTWARE;
    case MARK_HANG:
        return JSP_RESET_WATCHDOG;
    default:
        return JSP_RESET_PIN;
    }
}

restart_record restart_read(void) {
    restart_record record = {JSP_RESET_POWER_ON, 1};
    if (kept.check == kept_check()) {
        record.cause = reset_cause(kept.mark);
        record.boot_count = kept.boot_count + 1u;
    }
    keep(record.boot_count, MARK_NONE);
    return record;
}

void restart_start_watchdog(void) {
    restart_feed_watchdog();
}

void restart_feed_watchdog(void) {
    alarm_set(WATCHDOG_MS);
}

void restart_on_request(void) {
    keep(kept.boot_count, MARK_REQUEST);
    machine_reset();
}

void restart_after_hang(void) {
    keep(kept.boot_count, MARK_HANG);
    machine_reset();
}
