/*
 * Requantization in six instructions. SMMULR of twice the accumulator is TensorFlow Lite's
 * saturating rounding doubling high multiply where the doubling does not overflow; the zero point
 * and the second rounding's half are one addend, and SSAT takes the last shift along. Clamps to
 * int8; a narrower activation is clamped once for the whole output (jr_m33_clamp).
 */
#ifndef JR_M33_SCALING_H
#define JR_M33_SCALING_H

#include <stdbool.h>
#include <stdint.h>

#include "dsp.h"

/* The addend that jr_m33_scale() and the assembly take. */
static inline int32_t jr_m33_rounding(int32_t output_zero_point) {
    return 2 * output_zero_point + 1;
}

/* `shift` is negative, |accumulator| below 2^30. */
static inline int8_t jr_m33_scale(int32_t accumulator, int32_t multiplier, int32_t shift,
                                  int32_t rounding) {
    int32_t value = jr_m33_multiply_high(accumulator * 2, multiplier);
    /* One less for a negative value makes its exact halves round down, away from zero. */
    value += value >> 31;
    return (int8_t)jr_m33_half_to_int8((value >> ~shift) + rounding);
}

/*
 * Whether jr_m33_scale() may be used: no shift of `scales` goes left or stays, and no sum of a bias
 * (of `outputs`) and `terms` products of two int8 reaches 2^30.
 */
bool jr_m33_can_scale(const int32_t *bias, uint32_t outputs, const int8_t *shifts, uint32_t scales,
                      uint32_t terms);

/* Brings `count` bytes between low and high, where these are narrower than int8. */
void jr_m33_clamp(int8_t *bytes, uint32_t count, int32_t low, int32_t high);

#endif
