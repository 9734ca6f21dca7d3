/* From accumulators to int8 outputs: what FULLY_CONNECTED and the convolutions share. */
#ifndef JR_AVR_SCALING_H
#define JR_AVR_SCALING_H

#include <stdbool.h>

#include "jump_rt.h"

/* One op's parameters, in RAM: there they are read several times faster. */
typedef struct jr_avr_scaling {
    const JR_PLAN int32_t *bias;
    const JR_PLAN int32_t *multipliers;
    const JR_PLAN int8_t *shifts;
    bool shared; /* all channels have the first one's multiplier and shift */
    int8_t zero_point, low, high;
} jr_avr_scaling;

/* The output of `channel` from its accumulator, bias included. */
int8_t jr_avr_scale(const jr_avr_scaling *scaling, jr_size channel, uint32_t acc);

#endif
