/*
 * FULLY_CONNECTED, two outputs at a time (row_pair.S). The inputs are expanded to 16 bits in
 * scratch, 2 * round_up(inputs, 4) bytes; the weights, used once each, are read as they are. Packed
 * ones are multiplied as they are stored, with their bias, which the sum of the inputs makes up
 * for; scratch for those is 2 * round_up(inputs, 8) bytes.
 */
#include <stdbool.h>
#include <string.h>

#include "expand.h"
#include "int4.h"
#include "kernels.h"
#include "portable/portable.h"
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

/* `packed`: the weights are, and `quads` is even. */
static void run_row(const jr_args *args, bool packed, const uint32_t *halves, uint32_t quads,
                    int8_t *output) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    void (*const run_outputs)(jr_m33_row_pair *, uint32_t) =
        packed ? jr_m33_run_row_pairs_int4 : jr_m33_run_row_pairs;
    jr_m33_row_pair pair;
    pair.inputs = halves;
    pair.quads = quads;
    pair.weights = (const int8_t *)(args->plan + p->weights_offset);
    pair.row_step = packed ? 2u * quads : 4u * quads;
    pair.bias = (const int32_t *)(args->plan + p->bias_offset);
    pair.multipliers = (const int32_t *)(args->plan + p->multipliers_offset);
    pair.shifts = (const int8_t *)(args->plan + p->shifts_offset);
    pair.rounding = jr_m33_rounding(p->output_zero_point);
    pair.output = output;
    pair.channel_step = p->channels == 1u ? 0u : 1u;
    if (packed) {
        pair.excess = jr_m33_int4_excess(halves, 1, quads);
    }
    if (p->outputs >= 2u) {
        run_outputs(&pair, p->outputs / 2u);
    }
    if ((p->outputs & 1u) != 0) {
        /* The last output twice, the second time for nothing. */
        const int32_t bias[2] = {pair.bias[0], pair.bias[0]};
        int8_t results[2];
        pair.row_step = 0;
        pair.bias = bias;
        pair.channel_step = 0;
        pair.output = results;
        run_outputs(&pair, 1);
        output[p->outputs - 1u] = results[0];
    }
}

void jr_fully_connected_run(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const bool packed = jr_has_int4_weights(args);
    const uint32_t quads = packed ? (p->inputs + 7u) / 8u * 2u : (p->inputs + 3u) / 4u;
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
    if (packed) {
        memset(halves + 2u * (quads - 1u), 0, 8u); /* what a row's last word may have over */
    }
    for (n = 0; n < p->batch; n++) {
        expand_inputs(halves, input, p->inputs);
        run_row(args, packed, halves, quads, output);
        input += p->inputs;
        output += p->outputs;
    }
    jr_m33_clamp(jr_output(args, 0), p->batch * p->outputs, p->activation_min, p->activation_max);
}
