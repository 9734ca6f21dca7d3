/* Why the board starts, and how it is made to start again. */
#ifndef ESP32_QEMU_RESTART_H
#define ESP32_QEMU_RESTART_H

#include <stdint.h>

typedef struct restart_record {
    uint8_t cause;       /* JSP_RESET_* */
    uint32_t boot_count; /* starts since power-on, this one included */
} restart_record;

/* Reads why the board started and counts the start. Call once. */
restart_record restart_read(void);

/* A timer's interrupt restarts the board 8 s after the last call: these machines have no other. */
void restart_feed_watchdog(void);

/* Do not return. The next start reports JSP_RESET_SOFTWARE, or after a hang JSP_RESET_WATCHDOG. */
void restart_on_request(void) __attribute__((noreturn));
void restart_after_hang(void) __attribute__((noreturn));

#endif
