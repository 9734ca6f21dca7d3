/* The timer that milliseconds are counted with: TIM2, which runs on while the core sleeps. */
#ifndef UNO_Q_CHIP_TIMER_H
#define UNO_Q_CHIP_TIMER_H

#include "chip.h"
#include "stm32u585.h"

#define CHIP_SYSTICK_HZ CLOCK_HZ
#define CHIP_TIMER_HZ   1000000u

static inline void chip_timer_start(void) {
    RCC_APB1ENR1 |= RCC_APB1ENR1_TIM2EN;
    (void)RCC_APB1ENR1; /* two cycles until the clock is on */
    TIM2_PSC = CLOCK_HZ / CHIP_TIMER_HZ - 1u;
    TIM2_ARR = UINT32_MAX;
    TIM2_EGR = TIM_EGR_UG; /* loads the prescaler, clears the counter */
    TIM2_CR1 = TIM_CR1_CEN;
}

static inline uint32_t chip_timer_count(void) {
    return TIM2_CNT;
}

#endif
