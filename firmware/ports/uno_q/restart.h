/* Why the board starts, and how it is made to start again. */
#ifndef UNO_Q_RESTART_H
#define UNO_Q_RESTART_H

#include <stdint.h>

/* What the RAM tells about the last reset. */
typedef enum restart_mark {
    MARK_NOTHING_KEPT, /* the RAM has lost its contents */
    MARK_NONE,
    MARK_REQUEST, /* the firmware was asked to restart */
    MARK_FAULT    /* it had to: an exception, or the watchdog's warning */
} restart_mark;

typedef struct restart_record {
    uint8_t cause;       /* JSP_RESET_* */
    uint32_t boot_count; /* starts since power-on, this one included */
} restart_record;

/* Reads why the board started and counts the start. Call once. */
restart_record restart_read(void);

/* What the next start will find. */
void restart_leave_mark(restart_mark mark);

/* Do not return. The next start reports JSP_RESET_SOFTWARE, or after a fault JSP_RESET_WATCHDOG. */
void restart_on_request(void) __attribute__((noreturn));
void restart_after_fault(void) __attribute__((noreturn));

#endif
