/* Milliseconds, and sleeping. */
#ifndef UNO_Q_TIMEBASE_H
#define UNO_Q_TIMEBASE_H

#include <stdbool.h>
#include <stdint.h>

void timebase_init(void);

/* Milliseconds since timebase_init(); to be called at least every 71 minutes. */
uint32_t timebase_millis(void);

/* Sleeps until an interrupt is pending or about 1 ms has gone, unless `has_work()` with interrupts
 * off. */
void timebase_sleep_unless(bool (*has_work)(void));

#endif
