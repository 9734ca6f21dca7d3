/*
 * ADD: both inputs brought to a common scale, 20 bits up, added, requantized. The
 * plan's left_shift is 20 and no shift goes left (its check says so).
 */
#include "elementwise.h"
#include "requantize.h"

/*
 * jr_multiply_high(value << 20, multiplier) for |value| <= 255, exactly: the upper half
 * of the multiplier has no bits below the rounding point, so two products do.
 */
static inline int32_t scale_input(int32_t value, int32_t high, int32_t low, int32_t exponent) {
    const int32_t scaled = value * high * 32 + ((value * low + 1024) >> 11);
    return jr_rounding_shift_right(scaled, exponent);
}

static void add_row(const jsp_elementwise_params *p, const jr_row *row) {
    const int32_t high1 = p->input1_multiplier >> 16, low1 = p->input1_multiplier & 0xFFFF;
    const int32_t high2 = p->input2_multiplier >> 16, low2 = p->input2_multiplier & 0xFFFF;
    const int32_t multiplier = p->output_multiplier;
    const int32_t exponent1 = -p->input1_shift, exponent2 = -p->input2_shift;
    const int32_t exponent = -p->output_shift;
    const int8_t *x1 = row->input1;
    const int8_t *x2 = row->input2;
    int8_t *output = row->output;
    jr_size left;
    for (left = row->count; left > 0; left--) {
        const int32_t sum = scale_input(*x1 + p->input1_offset, high1, low1, exponent1) +
                            scale_input(*x2 + p->input2_offset, high2, low2, exponent2);
        const int32_t scaled = jr_rounding_shift_right(jr_multiply_high(sum, multiplier), exponent);
        *output++ = jr_to_int8(scaled, p->output_offset, p->activation_min, p->activation_max);
        x1 += row->step1;
        x2 += row->step2;
    }
}

void jr_add_run(const jr_args *args) {
    jr_for_each_row(args, add_row);
}
