/*
 * FULLY_CONNECTED, two outputs at a time (row_pair.S). The inputs are expanded to 16 bits in
 * scratch, 2 * round_up(inputs, 4) bytes; the weights, used once each, are read as they are.
 */
#include <string.h>

#include "expand.h"
#include "kernels.h"
#include "portable.h"
#include "row_pair.h"
#include "scaling.h"

/* `count` inputs, and zeros up to a multiple of four: a row's padding may be anything. */
static void expand_inputs(uint32_t *halves, const int8_t *input, uint32_t count) {
    const uint32_t whole = count & ~UINT32_C(3);
    halves = jr_m33_expand(halves, 1, input, count / 4u);
    if (count != whole) {
        int8_t last[4] = {0};
        memcpy(last, input + whole, count - whole);
        jr_m33_expand(halves, 1, last, 1);
    }
}

static void run_row(const jr_args *args, const uint32_t *halves, int8_t *output) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const int32_t *bias = (const int32_t *)(args->plan + p->bias_offset);
    const int32_t *multipliers = (const int32_t *)(args->plan + p->multipliers_offset);
    const int8_t *shifts = (const int8_t *)(args->plan + p->shifts_offset);
    const int8_t *row = (const int8_t *)(args->plan + p->weights_offset);
    const uint32_t quads = (p->inputs + 3u) / 4u;
    const uint32_t channel_step = p->channels == 1u ? 0u : 1u;
    const int32_t rounding = jr_m33_rounding(p->output_zero_point);
    uint32_t o;
    for (o = 0; o + 1u < p->outputs; o += 2) {
        int32_t sums[2] = {bias[o], bias[o + 1u]};
        jr_m33_add_row_pair(sums, halves, row, quads, 4u * quads);
        output[o] = jr_m33_scale(sums[0], multipliers[0], shifts[0], rounding);
        output[o + 1u] =
            jr_m33_scale(sums[1], multipliers[channel_step], shifts[channel_step], rounding);
        multipliers += 2u * channel_step;
        shifts += 2u * channel_step;
        row += 8u * quads;
    }
    if (o < p->outputs) {
        int32_t sums[2] = {bias[o], 0};
        jr_m33_add_row_pair(sums, halves, row, quads, 0);
        output[o] = jr_m33_scale(sums[0], multipliers[0], shifts[0], rounding);
    }
}

void jr_fully_connected_run(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const uint32_t quads = (p->inputs + 3u) / 4u;
    uint32_t *halves = (uint32_t *)(void *)jr_scratch(args);
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    uint32_t n;
    if (args->op->scratch_bytes < 8u * quads ||
        !jr_m33_can_scale((const int32_t *)(args->plan + p->bias_offset), p->outputs,
                          (const int8_t *)(args->plan + p->shifts_offset), p->channels,
                          4u * quads)) {
        jr_fully_connected_run_portable(args);
        return;
    }
    for (n = 0; n < p->batch; n++) {
        expand_inputs(halves, input, p->inputs);
        run_row(args, halves, output);
        input += p->inputs;
        output += p->outputs;
    }
    jr_m33_clamp(jr_output(args, 0), p->batch * p->outputs, p->activation_min, p->activation_max);
}
