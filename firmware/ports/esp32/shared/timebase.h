/* Time: cycles, milliseconds, and sleeping. */
#ifndef ESP32_TIMEBASE_H
#define ESP32_TIMEBASE_H

#include <stdbool.h>
#include <stdint.h>

void timebase_init(void);

/*
 * Cycles of the core; on a machine of QEMU instructions, exactly. While the board sleeps it may
 * stand still.
 */
uint64_t timebase_ticks(void);

uint32_t timebase_millis(void);

/* Sleeps for some milliseconds at most, unless `has_work()`. */
void timebase_sleep_unless(bool (*has_work)(void));

#endif
