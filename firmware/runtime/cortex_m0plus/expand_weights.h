#ifndef JR_M0_EXPAND_WEIGHTS_H
#define JR_M0_EXPAND_WEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Two rows of weights, a and b, as conv_block.S multiplies them: -(a + b * 65536), one
 * word an input; of every four words the first two are written. `count` is divisible by 4.
 * Returns whether conv_block.S may use them: not where b has -128 twice in a pair of inputs
 * (or -128 and 0, which is not worth telling apart).
 */
bool jr_m0_expand_weights(uint32_t *words, const int8_t *a, const int8_t *b, uint32_t count);

/* The same of packed rows (int4.h). conv_block.S may always use them. */
void jr_m0_expand_int4_weights(uint32_t *words, const uint32_t *a, const uint32_t *b,
                               uint32_t count);

#endif
