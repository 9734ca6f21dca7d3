/* Dot products of a vector of inputs with two rows of weights at once. */
#ifndef JR_M33_ROW_PAIR_H
#define JR_M33_ROW_PAIR_H

#include <stdint.h>

/*
 * Adds to sums[0] the products of the row at `weights`, to sums[1] those of the row `row_step`
 * bytes on; 4 * `quads` of them, at least 4. `inputs` holds two words of halves for every four
 * inputs: (x0, x2), (x1, x3). Both are 4-byte aligned.
 */
void jr_m33_add_row_pair(int32_t sums[2], const uint32_t *inputs, const int8_t *weights,
                         uint32_t quads, uint32_t row_step);

#endif
