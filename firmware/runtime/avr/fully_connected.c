/* FULLY_CONNECTED: a dot product an output. */
#include "dot_product.h"
#include "kernels.h"
#include "scaling.h"

void jr_fully_connected_run(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const jr_size inputs = p->inputs, outputs = p->outputs;
    const jr_size row_bytes = (inputs + 3u) & ~(jr_size)3;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    jr_avr_scaling scaling;
    jr_size n, o;
    scaling.bias = (const JR_PLAN int32_t *)(args->plan + p->bias_offset);
    scaling.multipliers = (const JR_PLAN int32_t *)(args->plan + p->multipliers_offset);
    scaling.shifts = (const JR_PLAN int8_t *)(args->plan + p->shifts_offset);
    scaling.shared = p->channels == 1u;
    scaling.zero_point = p->output_zero_point;
    scaling.low = p->activation_min;
    scaling.high = p->activation_max;
    for (n = (jr_size)p->batch; n > 0; n--) {
        const JR_PLAN int8_t *row = (const JR_PLAN int8_t *)(args->plan + p->weights_offset);
        for (o = 0; o < outputs; o++) {
            const uint32_t acc = jr_avr_dot((uint32_t)scaling.bias[o], input, row, inputs);
            *output++ = jr_avr_scale(&scaling, o, acc);
            row += row_bytes;
        }
        input += inputs;
    }
}
