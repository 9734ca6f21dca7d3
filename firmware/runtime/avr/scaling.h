/* From accumulators to int8 outputs: what FULLY_CONNECTED and the convolutions share. */
#ifndef JR_AVR_SCALING_H
#define JR_AVR_SCALING_H

#include <stdbool.h>

#include "jr_kernel.h"

/* One op's parameters, in RAM: there they are read several times faster. */
typedef struct jr_avr_scaling {
    const JR_PLAN int8_t *weights;
    const JR_PLAN int32_t *bias;
    const JR_PLAN int32_t *multipliers;
    const JR_PLAN int8_t *shifts;
    bool shared; /* all channels have the first one's multiplier and shift */
    int8_t zero_point, low, high;
} jr_avr_scaling;

/*
 * The part that the parameters of convolutions and of FULLY_CONNECTED have alike: `tail` points to
 * their output_zero_point, and what follows there has this structure's order.
 */
typedef struct jr_avr_tail {
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    uint32_t weights_offset;
    uint32_t bias_offset;
    uint32_t multipliers_offset;
    uint32_t shifts_offset;
} jr_avr_tail;

/* `scaling` may lie where `tail` does. */
void jr_avr_set_scaling(jr_avr_scaling *scaling, const jr_args *args, const void *tail,
                        bool shared);

/* The output of `channel` from its accumulator, bias included. */
int8_t jr_avr_scale(const jr_avr_scaling *scaling, jr_size channel, uint32_t acc);

#endif
