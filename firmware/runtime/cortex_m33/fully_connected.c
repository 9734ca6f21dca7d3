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
    jr_m33_row_pair pair;
    pair.inputs = halves;
    pair.quads = (p->inputs + 3u) / 4u;
    pair.weights = (const int8_t *)(args->plan + p->weights_offset);
    pair.row_step = 4u * pair.quads;
    pair.bias = (const int32_t *)(args->plan + p->bias_offset);
    pair.multipliers = (const int32_t *)(args->plan + p->multipliers_offset);
    pair.shifts = (const int8_t *)(args->plan + p->shifts_offset);
    pair.rounding = jr_m33_rounding(p->output_zero_point);
    pair.output = output;
    pair.channel_step = p->channels == 1u ? 0u : 1u;
    if (p->outputs >= 2u) {
        jr_m33_run_row_pairs(&pair, p->outputs / 2u);
    }
    if ((p->outputs & 1u) != 0) {
        /* The last output twice, the second time for nothing. */
        const int32_t bias[2] = {pair.bias[0], pair.bias[0]};
        int8_t results[2];
        pair.row_step = 0;
        pair.bias = bias;
        pair.channel_step = 0;
        pair.output = results;
        jr_m33_run_row_pairs(&pair, 1);
        output[p->outputs - 1u] = results[0];
    }
}

/* The sum of `quads` * 4 inputs that were expanded. */
static int32_t sum_of(const uint32_t *halves, uint32_t quads) {
    int32_t sum = 0;
    uint32_t i;
    for (i = 0; i < 2u * quads; i++) {
        sum = jr_m33_add_products(sum, halves[i], UINT32_C(0x00010001));
    }
    return sum;
}

/* Adds to two sums, of rows a and b of packed weights. */
static inline void add_packed_words(int32_t sums[2], const uint32_t *halves, const uint32_t *a,
                                    const uint32_t *b, uint32_t words) {
    const uint32_t *const end = a + words;
    int32_t sum_a = sums[0], sum_b = sums[1];
#pragma GCC unroll 2
    for (; a != end; a++, b++) {
        const uint32_t in_a = *a, in_b = *b;
        const uint32_t x0 = halves[0], x1 = halves[1], x2 = halves[2], x3 = halves[3];
        sum_a = jr_m33_add_products(sum_a, in_a & JR_INT4_LANES, x0);
        sum_b = jr_m33_add_products(sum_b, in_b & JR_INT4_LANES, x0);
        sum_a = jr_m33_add_products(sum_a, in_a >> 4 & JR_INT4_LANES, x1);
        sum_b = jr_m33_add_products(sum_b, in_b >> 4 & JR_INT4_LANES, x1);
        sum_a = jr_m33_add_products(sum_a, in_a >> 8 & JR_INT4_LANES, x2);
        sum_b = jr_m33_add_products(sum_b, in_b >> 8 & JR_INT4_LANES, x2);
        sum_a = jr_m33_add_products(sum_a, in_a >> 12 & JR_INT4_LANES, x3);
        sum_b = jr_m33_add_products(sum_b, in_b >> 12 & JR_INT4_LANES, x3);
        halves += 4;
    }
    sums[0] = sum_a;
    sums[1] = sum_b;
}

static void run_packed_row(const jr_args *args, const uint32_t *halves, uint32_t words,
                           int8_t *output) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const uint32_t *row = (const uint32_t *)(const void *)(args->plan + p->weights_offset);
    const int32_t *bias = (const int32_t *)(args->plan + p->bias_offset);
    const int32_t *multipliers = (const int32_t *)(args->plan + p->multipliers_offset);
    const int8_t *shifts = (const int8_t *)(args->plan + p->shifts_offset);
    const int32_t rounding = jr_m33_rounding(p->output_zero_point);
    const int32_t excess = sum_of(halves, 2u * words) * JR_INT4_BIAS;
    uint32_t o, i;
    for (o = 0; o < p->outputs; o += 2) {
        const uint32_t count = p->outputs - o < 2u ? 1u : 2u;
        const uint32_t *second = count < 2u ? row : row + words; /* of one, for nothing */
        int32_t sums[2] = {bias[o] - excess, bias[o + count - 1u] - excess};
        add_packed_words(sums, halves, row, second, words);
        for (i = 0; i < count; i++) {
            const uint32_t channel = p->channels == 1u ? 0u : o + i;
            *output++ = jr_m33_scale(sums[i], multipliers[channel], shifts[channel], rounding);
        }
        row = second + words;
    }
}

void jr_fully_connected_run(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const bool packed = jr_has_int4_weights(args);
    const uint32_t words = (p->inputs + 7u) / 8u; /* of a packed row */
    const uint32_t quads = packed ? 2u * words : (p->inputs + 3u) / 4u;
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
        if (packed) {
            run_packed_row(args, halves, words, output);
        } else {
            run_row(args, halves, output);
        }
        input += p->inputs;
        output += p->outputs;
    }
    jr_m33_clamp(jr_output(args, 0), p->batch * p->outputs, p->activation_min, p->activation_max);
}
