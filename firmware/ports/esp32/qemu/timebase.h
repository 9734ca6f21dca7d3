/* Time: executed instructions, milliseconds, an alarm, and sleeping. */
#ifndef ESP32_QEMU_TIMEBASE_H
#define ESP32_QEMU_TIMEBASE_H

#include <stdbool.h>
#include <stdint.h>

/* Takes the counters into use and lets the alarm's interrupt in; set the alarm first. */
void timebase_init(void);

/* Counts instructions, exactly; while the board sleeps it may go on. */
uint64_t timebase_ticks(void);

uint32_t timebase_millis(void);

/* Its interrupt ends in restart_after_hang(), unless it is set anew before. */
void timebase_set_alarm(uint32_t from_now_ms);

/* Sleeps until bytes have come or about 1 ms has gone, unless `has_work()`. */
void timebase_sleep_unless(bool (*has_work)(void));

#endif
