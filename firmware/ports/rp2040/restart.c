#include "restart.h"

#include "jsp_protocol.h"
#include "rp2040.h"

#define RECORD_KEY   0x6a73706bu
#define FAULT_MARKER 0x6661756cu

/* In RAM that no reset clears; after power-on it holds noise, which `check` gives away. */
typedef struct kept_record {
    uint32_t boot_count;
    uint32_t marker; /* FAULT_MARKER: the firmware restarted the board after a fault */
    uint32_t check;
} kept_record;

static volatile kept_record kept __attribute__((section(".noinit")));

static uint32_t kept_check(void) {
    return kept.boot_count ^ RECORD_KEY;
}

/*
 * The watchdog's reason comes first: the chip-level flags stay as they are when it
 * restarts the board [2.12.7]. Neither flag set means that a debugger did it.
 */
static uint8_t reset_cause(uint32_t marker) {
    const uint32_t reason = RP_REG(RP_WATCHDOG_REASON);
    const uint32_t chip = RP_REG(RP_CHIP_RESET);
    if (reason & RP_WATCHDOG_REASON_TIMER) {
        return JSP_RESET_WATCHDOG;
    }
    if (reason & RP_WATCHDOG_REASON_FORCE) {
        return marker == FAULT_MARKER ? JSP_RESET_WATCHDOG : JSP_RESET_SOFTWARE;
    }
    if (chip & RP_CHIP_RESET_HAD_POR) {
        return JSP_RESET_POWER_ON;
    }
    return (chip & RP_CHIP_RESET_HAD_RUN) ? JSP_RESET_PIN : JSP_RESET_UNKNOWN;
}

restart_record restart_read(void) {
    const int kept_over = kept.check == kept_check();
    restart_record record;
    record.cause = reset_cause(kept.marker);
    record.boot_count = 1;
    if (kept_over && record.cause != JSP_RESET_POWER_ON) {
        record.boot_count = kept.boot_count + 1u;
    }
    kept.boot_count = record.boot_count;
    kept.marker = 0;
    kept.check = kept_check();
    return record;
}

void restart_feed_watchdog(void) {
    RP_REG(RP_WATCHDOG_LOAD) = RP_WATCHDOG_LOAD_MAX; /* at two counts a microsecond: erratum E1 */
}

/* A watchdog reset restarts everything but the oscillators, whether its timer or TRIGGER causes it.
 */
static RP_RAM_CODE("select_blocks") void select_blocks_to_restart(void) {
    RP_REG(RP_PSM_WDSEL) = RP_PSM_WDSEL_ALL & ~(RP_PSM_XOSC | RP_PSM_ROSC);
}

void restart_start_watchdog(void) {
    select_blocks_to_restart();
    restart_feed_watchdog();
    RP_REG(RP_WATCHDOG_CTRL) = RP_WATCHDOG_CTRL_PAUSE | RP_WATCHDOG_CTRL_ENABLE;
}

static RP_RAM_CODE("trigger") __attribute__((noreturn)) void trigger_watchdog(void) {
    select_blocks_to_restart();
    RP_SET(RP_WATCHDOG_CTRL) = RP_WATCHDOG_CTRL_TRIGGER;
    for (;;) {
    }
}

void restart_on_request(void) {
    trigger_watchdog();
}

RP_RAM_CODE("restart_after_fault") void restart_after_fault(void) {
    kept.marker = FAULT_MARKER;
    trigger_watchdog();
}

/* HardFault, NMI and every interrupt that nothing enables. */
RP_RAM_CODE("fault_handler") void fault_handler(void) {
    restart_after_fault();
}
