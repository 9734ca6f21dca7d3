/* Two pixels of a convolution at once, two channels at a time. */
#ifndef JR_M33_PIXEL_PAIR_H
#define JR_M33_PIXEL_PAIR_H

#include <stdint.h>

/*
 * pixel_pair.inc knows this layout. For every four inputs x0..x3 of a patch (what an output
 * pixel sees of the input), `inputs` holds the halves (x0, x2) of either pixel's patch, then their
 * (x1, x3). Pointers to a channel move on.
 */
typedef struct jr_m33_pixel_pair {
    const uint32_t *inputs;
    uint32_t quads;        /* of inputs, at least 1 */
    const int8_t *weights; /* 4-byte aligned row of the first channel */
    uint32_t row_step;     /* bytes from a row to the next */
    const int32_t *bias;
    const int32_t *multipliers; /* Q31, not negative */
    const int8_t *shifts;       /* all negative */
    int32_t rounding;           /* jr_m33_rounding() */
    int8_t *output[2];          /* of either pixel; the same: the second one is dropped */
    int32_t excess[2];          /* of either pixel, jr_m33_int4_excess(); of packed weights alone */
} jr_m33_pixel_pair;

/* Computes 2 * `channel_pairs` channels of both pixels; `channel_pairs` is at least 1. */
void jr_m33_run_pixel_pair(jr_m33_pixel_pair *pair, uint32_t channel_pairs);

/* The same with packed weights. */
void jr_m33_run_pixel_pair_int4(jr_m33_pixel_pair *pair, uint32_t channel_pairs);

#endif
