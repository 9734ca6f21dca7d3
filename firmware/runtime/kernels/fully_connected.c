#include "kernels.h"
#include "requantize.h"

void jr_fully_connected_run(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const JR_PLAN int32_t *bias = (const JR_PLAN int32_t *)(args->plan + p->bias_offset);
    const JR_PLAN int32_t *multipliers =
        (const JR_PLAN int32_t *)(args->plan + p->multipliers_offset);
    const JR_PLAN int8_t *shifts = (const JR_PLAN int8_t *)(args->plan + p->shifts_offset);
    const jr_size row_bytes = (jr_size)((p->inputs + 3u) & ~(jr_size)3);
    const jr_size channel_step = p->channels == 1u ? 0u : 1u;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    jr_size n, o, i;
    for (n = 0; n < p->batch; n++) {
        const JR_PLAN int8_t *row = (const JR_PLAN int8_t *)(args->plan + p->weights_offset);
        for (o = 0; o < p->outputs; o++) {
            const jr_size channel = o * channel_step;
            uint32_t acc = (uint32_t)bias[o];
            for (i = 0; i < p->inputs; i++) {
                acc += (uint32_t)((int32_t)input[i] * row[i]);
            }
            *output++ =
                jr_to_int8(jr_requantize((int32_t)acc, multipliers[channel], shifts[channel]),
                           p->output_zero_point, p->activation_min, p->activation_max);
            row += row_bytes;
        }
        input += p->inputs;
    }
}
