#include "elementwise.h"
#include "requantize.h"

static void mul_row(const jsp_elementwise_params *p, const jr_row *row) {
    const int8_t *x1 = row->input1;
    const int8_t *x2 = row->input2;
    jr_size i;
    for (i = 0; i < row->count; i++) {
        const int32_t product = (*x1 + p->input1_offset) * (*x2 + p->input2_offset);
        row->output[i] = jr_to_int8(jr_requantize(product, p->output_multiplier, p->output_shift),
                                    p->output_offset, p->activation_min, p->activation_max);
        x1 += row->step1;
        x2 += row->step2;
    }
}

void jr_mul_run(const jr_args *args) {
    jr_for_each_row(args, mul_row);
}
