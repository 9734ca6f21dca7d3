#ifndef JR_M33_EXPAND_H
#define JR_M33_EXPAND_H

#include <stdint.h>

#include "dsp.h"
#include "int4.h"

/*
 * For every four of `bytes`, b0..b3, the words of halves (b0, b2) and (b1, b3), one every `step`
 * words. Returns where the next would go.
 */
static inline uint32_t *jr_m33_expand(uint32_t *halves, uint32_t step, const int8_t *bytes,
                                      uint32_t quads) {
    const int8_t *end = bytes + 4u * quads;
#pragma GCC unroll 4
    for (; bytes != end; bytes += 4) {
        const uint32_t word = jr_m33_read_word(bytes);
        halves[0] = jr_m33_even_bytes(word);
        halves[step] = jr_m33_odd_bytes(word);
        halves += 2u * step;
    }
    return halves;
}

/* The halves (w0, w2) of packed weights (int4.h) whose w0 is in the lowest bits. */
static inline uint32_t jr_m33_int4_halves(uint32_t word) {
    return jr_m33_subtract_halves(word & JR_INT4_LANES, JR_INT4_LANES_OF_BIAS);
}

/*
 * What packed weights, multiplied as they are stored, count too much for `quads` of inputs that
 * were expanded with the same `step`.
 */
static inline int32_t jr_m33_int4_excess(const uint32_t *halves, uint32_t step, uint32_t quads) {
    int32_t excess = 0;
    for (; quads > 0; quads--) {
        excess = jr_m33_add_products(excess, halves[0], JR_INT4_LANES_OF_BIAS);
        excess = jr_m33_add_products(excess, halves[step], JR_INT4_LANES_OF_BIAS);
        halves += 2u * step;
    }
    return excess;
}

#endif
