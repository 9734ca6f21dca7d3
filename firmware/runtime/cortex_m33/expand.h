#ifndef JR_M33_EXPAND_H
#define JR_M33_EXPAND_H

#include <stdint.h>

#include "dsp.h"

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

#endif
