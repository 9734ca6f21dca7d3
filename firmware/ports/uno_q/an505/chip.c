/* The emulated machine in the part's place. */
#include "chip.h"

#include <string.h>

#include "an505.h"
#include "jsp_protocol.h"

#define WATCHDOG_MS 8000u
/* Between the watchdog's warning and its reset nothing is left to do. */
#define WATCHDOG_END_TICKS 1000u

/* The emulator leaves who it is, and a unique id, beyond what the part has as flash. */
#define EMULATOR_NAME ((const char *)0x10300000)
#define EMULATOR_UID  ((const uint8_t *)0x10300080)
#define UID_BYTES     8u

void chip_init(void) {
}

void chip_identify(port_info *info) {
    info->emulator = EMULATOR_NAME;
    info->uid_bytes = UID_BYTES;
    memcpy(info->uid, EMULATOR_UID, UID_BYTES);
}

/* The machine has no flags: a reset of which the firmware knew nothing came from the pin. */
uint8_t chip_reset_cause(restart_mark mark) {
    switch (mark) {
    case MARK_NOTHING_KEPT:
        return JSP_RESET_POWER_ON;
    case MARK_REQUEST:
        return JSP_RESET_SOFTWARE;
    case MARK_FAULT:
        return JSP_RESET_WATCHDOG;
    default:
        return JSP_RESET_PIN;
    }
}

void chip_start_watchdog(void) {
    WDOG_LOCK = WDOG_LOCK_OPEN;
    chip_feed_watchdog();
    WDOG_CONTROL = WDOG_CONTROL_INTEN | WDOG_CONTROL_RESEN;
}

void chip_feed_watchdog(void) {
    WDOG_LOAD = WATCHDOG_MS * (PERIPHERAL_HZ / 1000u);
}

/* NMI: the watchdog has expired once. It resets the machine the next time. */
void watchdog_handler(void) {
    restart_leave_mark(MARK_FAULT);
    WDOG_LOAD = WATCHDOG_END_TICKS;
    for (;;) {
    }
}

void chip_set_timed_pin(bool high) {
    (void)high; /* the machine's pins lead nowhere */
}
