/* What conv_block.S does, a multiplication a product, for weights that it must not be given. */
#include "conv_block.h"

typedef struct accumulators {
    uint32_t a, b, c, d; /* all negative: less bias, less products */
} accumulators;

/* An input by the pair of weights in `word`: -(low + high * 65536). */
static inline void accumulate(uint32_t *low, uint32_t *high, uint32_t word, int32_t input) {
    const int32_t minus_low = (int16_t)word;
    const int32_t minus_high = (int32_t)(word - (uint32_t)minus_low) >> 16;
    *low += (uint32_t)(minus_low * input);
    *high += (uint32_t)(minus_high * input);
}

static void accumulate_pixel(const jr_m0_conv_block *block, const int8_t *input,
                             accumulators *sums) {
    const uint32_t *words = block->weights;
    uint32_t segment, i;
    for (segment = 0; segment < block->segments; segment++) {
        for (i = 0; i < block->segment_bytes; i += 2) {
            accumulate(&sums->a, &sums->b, words[0], input[0]);
            accumulate(&sums->a, &sums->b, words[1], input[1]);
            accumulate(&sums->c, &sums->d, words[2], input[0]);
            accumulate(&sums->c, &sums->d, words[3], input[1]);
            words += 4;
            input += 2;
        }
        input += block->segment_gap;
    }
}

static int8_t requantize(uint32_t negative, const jr_m0_exact *exact) {
    return (int8_t)jr_m0_requantize((int32_t)(0u - negative), exact);
}

void jr_m0_conv_run_block_plain(const jr_m0_conv_block *block) {
    const uint32_t *initial = block->initial;
    const int8_t *input = block->input;
    int8_t *output = block->output;
    uint32_t pixel;
    for (pixel = 0; pixel < block->pixels; pixel++) {
        accumulators sums = {initial[0] - (initial[2] << 16), initial[2],
                             initial[1] - (initial[3] << 16), initial[3]};
        accumulate_pixel(block, input, &sums);
        output[0] = requantize(sums.a, &block->exact[0]);
        output[1] = requantize(sums.b, &block->exact[1]);
        output[2] = requantize(sums.c, &block->exact[2]);
        output[3] = requantize(sums.d, &block->exact[3]);
        input += block->input_step;
        output += block->output_step;
    }
}
