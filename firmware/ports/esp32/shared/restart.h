/* Why the board starts, and how it is made to start again. */
#ifndef ESP32_RESTART_H
#define ESP32_RESTART_H

#include <stdint.h>

typedef struct restart_record {
    uint8_t cause;       /* JSP_RESET_* */
    uint32_t boot_count; /* starts since power-on, this one included */
} restart_record;

/* Reads why the board started and counts the start. Call once. */
restart_record restart_read(void);

/*
 * The watchdog restarts the board 8 s after the last restart_feed_watchdog(); then, and after a
 * fault, the next start reports JSP_RESET_WATCHDOG.
 */
void restart_start_watchdog(void);
void restart_feed_watchdog(void);

/* Does not return. The next start reports JSP_RESET_SOFTWARE. */
void restart_on_request(void) __attribute__((noreturn));

#endif
