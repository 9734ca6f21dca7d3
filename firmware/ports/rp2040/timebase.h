/* Time: clk_sys cycles from SysTick, milliseconds from TIMER, and sleeping. */
#ifndef RP2040_TIMEBASE_H
#define RP2040_TIMEBASE_H

#include <stdbool.h>
#include <stdint.h>

void timebase_init(void);

/* Cycles of clk_sys since timebase_init(), exact, also with interrupts off for less than 126 ms. */
uint64_t timebase_cycles(void);

/* Puts SysTick and its interrupt where equal work that follows takes equal cycles. */
void timebase_restart(void);

uint32_t timebase_millis(void);

/* Wraps every 71 minutes. Cheap: for waits. */
uint32_t timebase_micros(void);

/* Sleeps until an interrupt is pending or about 1 ms has gone, unless `has_work()` with interrupts
 * off. */
void timebase_sleep_unless(bool (*has_work)(void));

#endif
