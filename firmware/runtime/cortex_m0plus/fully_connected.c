/*
 * FULLY_CONNECTED, two products in a multiplication (dot_product.S). The inputs are
 * paired in scratch once and used for every output; each weight is read once, because that is what
 * costs most where they lie in flash behind a cache. In scratch: 2 * round_up(inputs, 4) bytes,
 * or round_up(inputs, 8) where the weights are packed.
 */
#include <stdbool.h>

#include "dot_product.h"
#include "int4.h"
#include "kernels.h"
#include "portable/portable.h"
#include "requantize.h"

/* Of shorter rows the portable kernel is done before this one has begun. */
#define LEAST_QUADS 4u

static inline int32_t pair_four(uint32_t *pairs, int32_t x0, int32_t x1, int32_t x2, int32_t x3,
                                int32_t sign) {
    pairs[0] = ((uint32_t)x0 << 16) + (uint32_t)(sign * x2);
    pairs[1] = ((uint32_t)x1 << 16) + (uint32_t)(sign * x3);
    return x0 + x1 + x2 + x3;
}

int32_t jr_m0_pair_inputs(uint32_t *pairs, const int8_t *inputs, uint32_t count, int32_t sign) {
    int32_t sum = 0;
    for (; count >= 4; count -= 4) {
        sum += pair_four(pairs, inputs[0], inputs[1], inputs[2], inputs[3], sign);
        pairs += 2;
        inputs += 4;
    }
    if (count > 0) {
        sum += pair_four(pairs, inputs[0], count > 1 ? inputs[1] : 0, count > 2 ? inputs[2] : 0, 0,
                         sign);
    }
    return sum;
}

/* A row of outputs from one of inputs. */
typedef struct row {
    const jsp_fully_connected_params *p;
    const uint8_t *plan;
    const uint32_t *pairs;
    uint32_t quads;
    uint32_t excess; /* what packed weights count too much, being stored with their bias */
    bool packed;     /* the weights are */
} row;

static int32_t accumulate(const row *r, const uint8_t *weights, uint32_t bias) {
    if (r->packed) {
        return (int32_t)jr_m0_dot_product_int4(r->pairs, (const uint32_t *)(const void *)weights,
                                               (r->quads + 1u) / 2u, bias - r->excess);
    }
    return (int32_t)(0u -
                     jr_m0_dot_product(r->pairs, (const int8_t *)weights, r->quads, 0u - bias));
}

static void run_row(const row *r, int8_t *output) {
    const jsp_fully_connected_params *p = r->p;
    const int32_t *bias = (const int32_t *)(r->plan + p->bias_offset);
    const int32_t *multipliers = (const int32_t *)(r->plan + p->multipliers_offset);
    const int8_t *shifts = (const int8_t *)(r->plan + p->shifts_offset);
    const uint8_t *weights = r->plan + p->weights_offset;
    const uint32_t row_bytes = r->packed ? jr_int4_row_bytes(p->inputs) : 4u * r->quads;
    const uint32_t channel_step = p->channels == 1u ? 0u : 1u;
    uint32_t o;
    for (o = 0; o < p->outputs; o++) {
        const uint32_t channel = o * channel_step;
        const int32_t acc = accumulate(r, weights, (uint32_t)bias[o]);
        *output++ = jr_to_int8(jr_requantize(acc, multipliers[channel], shifts[channel]),
                               p->output_zero_point, p->activation_min, p->activation_max);
        weights += row_bytes;
    }
}

void jr_fully_connected_run(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    uint32_t *pairs = (uint32_t *)(void *)jr_scratch(args);
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    uint32_t pairs_bytes, n;
    row r;
    r.p = p;
    r.plan = args->plan;
    r.pairs = pairs;
    r.packed = jr_has_int4_weights(args);
    r.quads = (p->inputs + 3u) / 4u;
    pairs_bytes = 8u * (r.packed ? (r.quads + 1u) & ~UINT32_C(1) : r.quads);
    if (r.quads < LEAST_QUADS || args->op->scratch_bytes < pairs_bytes) {
        jr_fully_connected_run_portable(args);
        return;
    }
    pairs[pairs_bytes / 4u - 2u] = 0; /* what a packed row's last word has over */
    pairs[pairs_bytes / 4u - 1u] = 0;
    for (n = 0; n < p->batch; n++) {
        const int32_t sum = jr_m0_pair_inputs(pairs, input, p->inputs, r.packed ? 1 : -1);
        r.excess = (uint32_t)(sum * JR_INT4_BIAS);
        run_row(&r, output);
        input += p->inputs;
        output += p->outputs;
    }
}
