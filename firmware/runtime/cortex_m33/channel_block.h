/* Four channels of a convolution at once, two pixels at a time. */
#ifndef JR_M33_CHANNEL_BLOCK_H
#define JR_M33_CHANNEL_BLOCK_H

#include <stdint.h>

#define JR_M33_BLOCK_CHANNELS 4u

/*
 * channel_block.S knows this layout. For every four weights w0..w3 of a channel, `weights` holds
 * the halves (w0, w2) of each of the four channels, then their (w1, w3); `inputs` those of two
 * patches in the same order, pair after pair of pixels.
 */
typedef struct jr_m33_channel_block {
    int32_t bias[JR_M33_BLOCK_CHANNELS];
    struct {
        int32_t multiplier; /* Q31, not negative */
        int32_t right;      /* ~shift, not negative */
    } scaling[JR_M33_BLOCK_CHANNELS];
    int32_t rounding;        /* jr_m33_rounding() */
    int8_t *output;          /* the first channel of the first pixel; moves on */
    uint32_t output_step;    /* bytes from a pixel to the next; 0: the second one is dropped */
    uint32_t quads;          /* of inputs, at least 1 */
    const uint32_t *weights; /* scratch */
    const uint32_t *inputs;  /* scratch */
} jr_m33_channel_block;

/* Computes 2 * `pixel_pairs` pixels; `pixel_pairs` is at least 1. */
void jr_m33_run_channel_block(jr_m33_channel_block *block, uint32_t pixel_pairs);

#endif
