/*
 * ADD: both inputs brought to a common scale, 20 bits up, added, requantized. The
 * plan's left_shift is 20 (its check says so), hence the constants.
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

static void add_row(const JR_PLAN jsp_elementwise_params *p, const jr_row *row) {
    const int32_t high1 = p->input1_multiplier >> 16, low1 = p->input1_multiplier & 0xFFFF;
    const int32_t high2 = p->input2_multiplier >> 16, low2 = p->input2_multiplier & 0xFFFF;
    const int8_t *x1 = row->input1;
    const int8_t *x2 = row->input2;
    uint32_t i;
    for (i = 0; i < row->count; i++) {
        const int32_t sum = scale_input(*x1 + p->input1_offset, high1, low1, -p->input1_shift) +
                            scale_input(*x2 + p->input2_offset, high2, low2, -p->input2_shift);
        row->output[i] = jr_to_int8(jr_requantize(sum, p->output_multiplier, p->output_shift),
                                    p->output_offset, p->activation_min, p->activation_max);
        x1 += row->step1;
        x2 += row->step2;
    }
}

void jr_add_run(const jr_args *args) {
    jr_for_each_row(args, add_row);
}
