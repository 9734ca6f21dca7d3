#include <stdbool.h>

#include "int4.h"
#include "kernels.h"
#include "requantize.h"

static uint32_t sum_of(const int8_t *x, jr_size count) {
    uint32_t sum = 0;
    for (; count > 0; count--) {
        sum += (uint32_t)(int32_t)*x++;
    }
    return sum;
}

static uint32_t dot(uint32_t acc, const int8_t *x, const JR_PLAN int8_t *w, jr_size count) {
    jr_size i;
    for (i = 0; i < count; i++) {
        acc += (uint32_t)((int32_t)x[i] * w[i]);
    }
    return acc;
}

/* x times the weight `bits` up in a word of them, as it is stored. */
static inline uint32_t product(const int8_t *x, uint32_t word, int bits) {
    return (uint32_t)(int32_t)*x * (word >> bits & 15u);
}

static uint32_t dot_int4(uint32_t acc, const int8_t *x, const JR_PLAN uint32_t *w, jr_size count) {
    uint32_t word;
    jr_size i;
    for (; count >= JR_INT4_WORD_WEIGHTS; count -= JR_INT4_WORD_WEIGHTS) {
        word = *w++;
        acc += product(x, word, 0) + product(x + 1, word, 4) + product(x + 2, word, 16) +
               product(x + 3, word, 20) + product(x + 4, word, 8) + product(x + 5, word, 12) +
               product(x + 6, word, 24) + product(x + 7, word, 28);
        x += JR_INT4_WORD_WEIGHTS;
    }
    for (i = 0; i < count; i++) {
        acc += product(x + i, *w, (int)((i & 1u) * 4u + (i & 2u) * 8u + (i & 4u) * 2u));
    }
    return acc;
}

void jr_fully_connected_run(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const JR_PLAN int32_t *bias = (const JR_PLAN int32_t *)(args->plan + p->bias_offset);
    const JR_PLAN int32_t *multipliers =
        (const JR_PLAN int32_t *)(args->plan + p->multipliers_offset);
    const JR_PLAN int8_t *shifts = (const JR_PLAN int8_t *)(args->plan + p->shifts_offset);
    const bool packed = jr_has_int4_weights(args);
    const jr_size row_bytes =
        packed ? (jr_size)jr_int4_row_bytes(p->inputs) : (jr_size)((p->inputs + 3u) & ~(jr_size)3);
    const jr_size channel_step = p->channels == 1u ? 0u : 1u;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    jr_size n, o;
    for (n = 0; n < p->batch; n++) {
        const JR_PLAN uint8_t *row = args->plan + p->weights_offset;
        /* Packed weights are stored larger than they are by the bias. */
        const uint32_t excess = packed ? sum_of(input, p->inputs) * JR_INT4_BIAS : 0u;
        for (o = 0; o < p->outputs; o++) {
            const jr_size channel = o * channel_step;
            uint32_t acc = (uint32_t)bias[o] - excess;
            acc = packed ? dot_int4(acc, input, (const JR_PLAN uint32_t *)(const JR_PLAN void *)row,
                                    p->inputs)
                         : dot(acc, input, (const JR_PLAN int8_t *)row, p->inputs);
            *output++ =
                jr_to_int8(jr_requantize((int32_t)acc, multipliers[channel], shifts[channel]),
                           p->output_zero_point, p->activation_min, p->activation_max);
            row += row_bytes;
        }
        input += p->inputs;
    }
}
