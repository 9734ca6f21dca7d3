/* Why the board starts, and how it is made to start again. */
#ifndef UNO_RESTART_H
#define UNO_RESTART_H

#include <stdint.h>

/* Counts the start. Call once, first. */
void restart_init(void);

uint8_t restart_cause(void); /* JSP_RESET_* */

/* Starts since power-on, this one included. */
uint32_t restart_boot_count(void);

/* The watchdog restarts the board 8 s after the last restart_feed_watchdog(). */
void restart_start_watchdog(void);
void restart_feed_watchdog(void);

/* Does not return. The next start reports JSP_RESET_SOFTWARE. */
void restart_on_request(void) __attribute__((noreturn));

#endif
