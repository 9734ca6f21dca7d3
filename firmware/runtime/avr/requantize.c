/* The parts of ../requantize.h that are not in requantize.S. */
#include "requantize.h"

int32_t jr_requantize(int32_t value, int32_t multiplier, int8_t shift) {
    int8_t right = 0;
    if (shift > 0) {
        value = (int32_t)((uint32_t)value << shift);
    } else {
        right = -shift;
    }
    return jr_rounding_shift_right(jr_multiply_high(value, multiplier), right);
}

int8_t jr_to_int8(int32_t value, int8_t zero_point, int8_t low, int8_t high) {
    return (int8_t)jr_clamp((int32_t)((uint32_t)value + (uint32_t)zero_point), low, high);
}
