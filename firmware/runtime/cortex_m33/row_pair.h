/* Two outputs of a fully-connected layer at once. */
#ifndef JR_M33_ROW_PAIR_H
#define JR_M33_ROW_PAIR_H

#include <stdint.h>

/*
 * row_pair.inc knows this layout. For every four inputs x0..x3, `inputs` holds the halves (x0, x2),
 * then (x1, x3). Pointers to an output move on.
 */
typedef struct jr_m33_row_pair {
    const uint32_t *inputs;
    uint32_t quads;        /* of inputs, at least 1 */
    const int8_t *weights; /* 4-byte aligned row of the first output */
    uint32_t row_step;     /* bytes from a row to the next */
    const int32_t *bias;
    const int32_t *multipliers; /* Q31, not negative */
    const int8_t *shifts;       /* all negative */
    int32_t rounding;           /* jr_m33_rounding() */
    int8_t *output;
    uint32_t channel_step; /* multipliers and shifts from an output to the next: 0 or 1 */
    int32_t excess;        /* jr_m33_int4_excess(); of packed weights alone */
} jr_m33_row_pair;

/* Computes 2 * `output_pairs` outputs; `output_pairs` is at least 1. */
void jr_m33_run_row_pairs(jr_m33_row_pair *pair, uint32_t output_pairs);

/* The same with packed weights; `quads` is even. */
void jr_m33_run_row_pairs_int4(jr_m33_row_pair *pair, uint32_t output_pairs);

#endif
