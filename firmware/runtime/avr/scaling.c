#include "scaling.h"

#include "requantize.h"

int8_t jr_avr_scale(const jr_avr_scaling *scaling, jr_size channel, uint32_t acc) {
    const jr_size i = scaling->shared ? 0 : channel;
    return jr_to_int8(jr_requantize((int32_t)acc, scaling->multipliers[i], scaling->shifts[i]),
                      scaling->zero_point, scaling->low, scaling->high);
}
