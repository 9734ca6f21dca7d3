#include "scaling.h"

#include <stddef.h>
#include <string.h>

#include "requantize.h"

#define HAS_TAIL(params)                                                                           \
    (offsetof(params, shifts_offset) - offsetof(params, output_zero_point) ==                      \
         offsetof(jr_avr_tail, shifts_offset) &&                                                   \
     offsetof(params, weights_offset) - offsetof(params, output_zero_point) ==                     \
         offsetof(jr_avr_tail, weights_offset))

typedef char conv_has_the_tail[HAS_TAIL(jsp_conv_params) ? 1 : -1];
typedef char fully_connected_has_the_tail[HAS_TAIL(jsp_fully_connected_params) ? 1 : -1];

void jr_avr_set_scaling(jr_avr_scaling *scaling, const jr_args *args, const void *tail,
                        bool shared) {
    jr_avr_tail p;
    memcpy(&p, tail, sizeof p);
    scaling->weights = (const JR_PLAN int8_t *)(args->plan + (jr_size)p.weights_offset);
    scaling->bias = (const JR_PLAN int32_t *)(args->plan + (jr_size)p.bias_offset);
    scaling->multipliers = (const JR_PLAN int32_t *)(args->plan + (jr_size)p.multipliers_offset);
    scaling->shifts = (const JR_PLAN int8_t *)(args->plan + (jr_size)p.shifts_offset);
    scaling->shared = shared;
    scaling->zero_point = (int8_t)p.output_zero_point;
    scaling->low = (int8_t)p.activation_min;
    scaling->high = (int8_t)p.activation_max;
}

int8_t jr_avr_scale(const jr_avr_scaling *scaling, jr_size channel, uint32_t acc) {
    const jr_size i = scaling->shared ? 0 : channel;
    return jr_to_int8(jr_requantize((int32_t)acc, scaling->multipliers[i], scaling->shifts[i]),
                      scaling->zero_point, scaling->low, scaling->high);
}
