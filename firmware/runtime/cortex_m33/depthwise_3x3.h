/* A depthwise 3x3 convolution of one channel. */
#ifndef JR_M33_DEPTHWISE_3X3_H
#define JR_M33_DEPTHWISE_3X3_H

#include <stdint.h>

/*
 * depthwise_3x3.S knows this layout. A word of input holds two rows of two channels: channels 0
 * and 1 of the upper row in bytes 0 and 1, of the lower row in bytes 2 and 3. A strip is what two
 * pairs of rows give: two rows of output, or one where both are the same row.
 */
typedef struct jr_m33_depthwise_3x3 {
    int32_t bias;
    int32_t multiplier;   /* Q31, not negative */
    int32_t right;        /* ~shift, not negative */
    int32_t rounding;     /* jr_m33_rounding() */
    uint32_t row_step;    /* bytes from an output to the one below, 0: there is none */
    uint32_t pixel_step;  /* bytes from an output to the one on its right */
    uint32_t input_step;  /* bytes from a window to the one on its right; 4 for pairs */
    uint32_t pairs_width; /* input_step times as many outputs of a row as are computed in pairs */
    uint32_t width;       /* input_step times all of them */
    uint32_t pair_step;   /* bytes from a pair of input rows to the next */
    uint32_t strip_step;  /* bytes from a strip's input to the next one's */
    uint32_t strip_output_step;
    uint32_t strips; /* at least 1 */
    int8_t *output;
    const uint32_t *input;
    struct {
        uint32_t upper, lower; /* halves (w0, w1) and (w1, w2) of a kernel's column */
    } columns[3];
} jr_m33_depthwise_3x3;

/* Computes all strips; of channel 0 of the words, or of channel 1. */
void jr_m33_run_depthwise_3x3_even(const jr_m33_depthwise_3x3 *convolution);
void jr_m33_run_depthwise_3x3_odd(const jr_m33_depthwise_3x3 *convolution);

#endif
