/* Four output channels of CONV_2D over a run of pixels. */
#ifndef JR_M0_CONV_BLOCK_H
#define JR_M0_CONV_BLOCK_H

#include "scaling.h"

#define JR_M0_BLOCK_CHANNELS 4

/* conv_block.S knows this layout. */
typedef struct jr_m0_conv_block {
    const uint32_t *weights; /* see jr_m0_expand_weights() */
    const int8_t *input;     /* the first pixel's patch, 4-byte aligned */
    int8_t *output;          /* the first pixel's first channel of the four */
    uint32_t pixels;         /* not 0 */
    uint32_t input_step;     /* bytes from a patch to the next, divisible by 4 */
    uint32_t output_step;    /* bytes from an output pixel to the next */
    uint32_t segments;       /* of a patch: contiguous pieces; not 0 */
    uint32_t segment_bytes;  /* divisible by 4, not 0 */
    uint32_t segment_gap;    /* bytes between two segments */
    uint32_t initial[4];     /* accumulators: see conv_block.S */
    jr_m0_scaling scaling[JR_M0_BLOCK_CHANNELS];
    jr_m0_exact exact[JR_M0_BLOCK_CHANNELS];
} jr_m0_conv_block;

/*
 * Writes `pixels` times 4 results of one byte, 4 adjacent ones a pixel. The plain one takes any
 * weights, the other those that jr_m0_expand_weights() says it may use.
 */
void jr_m0_conv_run_block(const jr_m0_conv_block *block);
void jr_m0_conv_run_block_plain(const jr_m0_conv_block *block);

#endif
