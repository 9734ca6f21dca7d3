/* Time from timer 1, which counts cycles of the core. */
#ifndef UNO_TIMEBASE_H
#define UNO_TIMEBASE_H

#include <stdint.h>

void timebase_init(void);

/* Cycles since timebase_init(), exact: modulo 2^32, which are 268 s. */
uint32_t timebase_cycles(void);

/* Sleeps until the timer's next wrap, 4 ms at most. Interrupts have to be on. */
void timebase_await_wrap(void);

/* In steps of the timer's wrap, 4.096 ms; wraps with 32 bits. */
uint32_t timebase_millis(void);

#endif
