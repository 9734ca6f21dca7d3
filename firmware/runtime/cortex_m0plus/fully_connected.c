/*
 * FULLY_CONNECTED, two products in a multiplication (dot_product.S). The inputs are
 * paired in scratch once and used for every output; each weight is read once, because that is what
 * costs most where they lie in flash behind a cache. In scratch: 2 * round_up(inputs, 4) bytes.
 */
#include "dot_product.h"
#include "int4.h"
#include "kernels.h"
#include "portable.h"
#include "requantize.h"

/* Of shorter rows the portable kernel is done before this one has begun. */
#define LEAST_QUADS 4u

static inline uint32_t pair(int32_t lower, int32_t upper) {
    return ((uint32_t)upper << 16) - (uint32_t)lower;
}

void jr_m0_pair_inputs(uint32_t *pairs, const int8_t *inputs, uint32_t count) {
    for (; count >= 4; count -= 4) {
        *pairs++ = pair(inputs[2], inputs[0]);
        *pairs++ = pair(inputs[3], inputs[1]);
        inputs += 4;
    }
    if (count > 0) {
        *pairs++ = pair(count > 2 ? inputs[2] : 0, inputs[0]);
        *pairs++ = pair(0, count > 1 ? inputs[1] : 0);
    }
}

void jr_fully_connected_run(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const int32_t *bias = (const int32_t *)(args->plan + p->bias_offset);
    const int32_t *multipliers = (const int32_t *)(args->plan + p->multipliers_offset);
    const int8_t *shifts = (const int8_t *)(args->plan + p->shifts_offset);
    const uint32_t quads = (p->inputs + 3u) / 4u;
    const uint32_t channel_step = p->channels == 1u ? 0u : 1u;
    uint32_t *pairs = (uint32_t *)(void *)jr_scratch(args);
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    uint32_t n, o;
    if (jr_has_int4_weights(args) || quads < LEAST_QUADS || args->op->scratch_bytes < 8u * quads) {
        jr_fully_connected_run_portable(args);
        return;
    }
    for (n = 0; n < p->batch; n++) {
        const int8_t *row = (const int8_t *)(args->plan + p->weights_offset);
        jr_m0_pair_inputs(pairs, input, p->inputs);
        for (o = 0; o < p->outputs; o++) {
            const uint32_t channel = o * channel_step;
            const uint32_t acc = jr_m0_dot_product(pairs, row, quads, 0u - (uint32_t)bias[o]);
            *output++ = jr_to_int8(
                jr_requantize((int32_t)(0u - acc), multipliers[channel], shifts[channel]),
                p->output_zero_point, p->activation_min, p->activation_max);
            row += 4u * quads;
        }
        input += p->inputs;
    }
}
