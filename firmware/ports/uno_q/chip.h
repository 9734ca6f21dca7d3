/* What differs between the STM32U585 (u585/) and the machine that emulates it (an505/). */
#ifndef UNO_Q_CHIP_H
#define UNO_Q_CHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "port.h"
#include "restart.h"

#define CLOCK_HZ 160000000u /* largest of the part [DS13086, 3.1]; what the emulated time is of */

/* Clocks, caches, pins, power. Restarts the board where a clock does not start. */
void chip_init(void);

/* Fills in uid, uid_bytes and emulator. */
void chip_identify(port_info *info);

/* JSP_RESET_*, from the part's flags as far as it has some, and from what the RAM has kept. */
uint8_t chip_reset_cause(restart_mark mark);

/* The watchdog restarts the board after some 8 s without chip_feed_watchdog(). */
void chip_start_watchdog(void);
void chip_feed_watchdog(void);

/* High during the timed region, where there is a pin. */
void chip_set_timed_pin(bool high);

#endif
