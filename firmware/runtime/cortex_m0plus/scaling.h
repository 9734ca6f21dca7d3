/*
 * Requantization in one 32-bit multiplication. TensorFlow Lite rounds twice, which
 * takes four multiplications on this core; one is enough wherever its result cannot be on
 * the other side of a rounding boundary. Nearer to a boundary than its error, the exact
 * function decides, so that every result is exact.
 */
#ifndef JR_M0_SCALING_H
#define JR_M0_SCALING_H

#include <stdint.h>

#include "jsp_protocol.h"

/*
 * One channel. The result of an accumulator, brought between low and high, is
 * (accumulator * multiplier + addend) >> 24, unless bits 0 to 23 of that sum, times 2^8,
 * are at most `band`. A band of 2^32 - 1 leaves every result to the exact function.
 * conv_block.S knows this layout.
 */
typedef struct jr_m0_scaling {
    uint32_t band;
    int32_t low, high;
    int32_t multiplier;
    int32_t addend;
} jr_m0_scaling;

/* The exact parameters of one op's channel. The assembly passes it on untouched. */
typedef struct jr_m0_exact {
    int32_t multiplier; /* Q31, not negative */
    int32_t shift;      /* positive is left */
    int32_t zero_point;
    int32_t activation_min, activation_max;
} jr_m0_exact;

void jr_m0_prepare_scaling(jr_m0_scaling *scaling, const jr_m0_exact *exact);

/* The exact result, int8. */
int32_t jr_m0_requantize(int32_t accumulator, const jr_m0_exact *exact);

/* The same, in one multiplication where that decides it. */
static inline int8_t jr_m0_scale(int32_t accumulator, const jr_m0_scaling *scaling,
                                 const jr_m0_exact *exact) {
    uint32_t sum;
    if (accumulator < scaling->low) {
        accumulator = scaling->low;
    }
    if (accumulator > scaling->high) {
        accumulator = scaling->high;
    }
    sum = (uint32_t)accumulator * (uint32_t)scaling->multiplier + (uint32_t)scaling->addend;
    if (sum << 8 <= scaling->band) {
        return (int8_t)jr_m0_requantize(accumulator, exact);
    }
    return (int8_t)((int32_t)sum >> 24);
}

#endif
