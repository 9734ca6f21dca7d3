/* ADD by the arithmetic as the plan states it: less code than kernels/add.c, which is faster. */
#include "elementwise.h"
#include "requantize.h"

/* What the check allows for left_shift; the sum has up to nine bits. */
#define LEFT_SHIFT 20

static int32_t scale(int16_t value, int32_t multiplier, int8_t shift) {
    return jr_requantize((int32_t)value << LEFT_SHIFT, multiplier, shift);
}

static void add_row(const jsp_elementwise_params *p, const jr_row *row) {
    const int8_t *x1 = row->input1;
    const int8_t *x2 = row->input2;
    int8_t *output = row->output;
    jr_size left;
    for (left = row->count; left > 0; left--) {
        const int32_t sum =
            scale(*x1 + (int16_t)p->input1_offset, p->input1_multiplier, p->input1_shift) +
            scale(*x2 + (int16_t)p->input2_offset, p->input2_multiplier, p->input2_shift);
        *output++ = jr_to_int8(jr_requantize(sum, p->output_multiplier, p->output_shift),
                               (int8_t)p->output_offset, (int8_t)p->activation_min,
                               (int8_t)p->activation_max);
        x1 += row->step1;
        x2 += row->step2;
    }
}

void jr_add_run(const jr_args *args) {
    jr_for_each_row(args, add_row);
}
