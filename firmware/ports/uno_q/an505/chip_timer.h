/* The timer that milliseconds are counted with. */
#ifndef UNO_Q_CHIP_TIMER_H
#define UNO_Q_CHIP_TIMER_H

#include "an505.h"

#define CHIP_SYSTICK_HZ PERIPHERAL_HZ
#define CHIP_TIMER_HZ   PERIPHERAL_HZ

static inline void chip_timer_start(void) {
    TIMER0_RELOAD = UINT32_MAX;
    TIMER0_VALUE = UINT32_MAX;
    TIMER0_CTRL = TIMER_CTRL_ENABLE;
}

/* Upwards from 0. */
static inline uint32_t chip_timer_count(void) {
    return UINT32_MAX - TIMER0_VALUE;
}

#endif
