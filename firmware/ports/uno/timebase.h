/* Time from timer 1, which counts cycles of the core. */
#ifndef UNO_TIMEBASE_H
#define UNO_TIMEBASE_H

#include <stdint.h>

void timebase_init(void);

/* Cycles since timebase_init(), exact: modulo 2^48, which are 203 days. */
uint64_t timebase_cycles(void);

/* Wraps with 32 bits. */
uint32_t timebase_millis(void);

#endif
