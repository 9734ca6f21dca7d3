/*
 * TensorFlow Lite Micro's int32 -> int8 requantization with gemmlowp's double
 * rounding, in integers alone and without 64-bit division.
 *
 * Right shifts of negative numbers are arithmetic on every compiler this builds
 * with; conversions to a signed type wrap. Sums that a hostile plan could push past
 * int32 are done unsigned, so that they wrap instead of being undefined.
 */
#ifndef JR_REQUANTIZE_H
#define JR_REQUANTIZE_H

#include <stdint.h>

/* Cores that multiply 32 x 32 -> 32 only: 64-bit products cost a library call there. */
#if defined(__ARM_ARCH_6M__) || defined(JR_NARROW_MULTIPLY)
#define JR_HAS_WIDE_MULTIPLY 0
#else
#define JR_HAS_WIDE_MULTIPLY 1
#endif

static inline int32_t jr_clamp(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

#if defined(__AVR__)

/* In avr/requantize.S: inlined they would be in every kernel, and several times as slow. */
int32_t jr_multiply_high(int32_t value, int32_t multiplier);
int32_t jr_rounding_shift_right(int32_t value, int exponent);

/* In avr/requantize.c, for the same reason. */
int32_t jr_requantize(int32_t value, int32_t multiplier, int8_t shift);
int8_t jr_to_int8(int32_t value, int8_t zero_point, int8_t low, int8_t high);

#else

/*
 * Saturating rounding doubling high multiply: (value * multiplier + 2^30) >> 31.
 * Never saturates, because `multiplier` is in [0, 2^31).
 */
static inline int32_t jr_multiply_high(int32_t value, int32_t multiplier) {
#if JR_HAS_WIDE_MULTIPLY
    return (int32_t)(((int64_t)value * multiplier + (INT64_C(1) << 30)) >> 31);
#else
    /*
     * Four 16 x 16 products. The rounding's 2^30 joins the middle column as 2^14;
     * no column leaves 32 bits: |vh * ml| <= 2^31 - 2^15, vl * mh < 2^31 - 2^16.
     */
    const uint32_t vl = (uint32_t)value & 0xFFFFu;
    const int32_t vh = value >> 16;
    const uint32_t ml = (uint32_t)multiplier & 0xFFFFu;
    const int32_t mh = multiplier >> 16;
    const int32_t upper = vh * (int32_t)ml + (int32_t)((vl * ml) >> 16);
    const uint32_t middle = vl * (uint32_t)mh + ((uint32_t)upper & 0xFFFFu) + 0x4000u;
    const uint32_t high = (uint32_t)(vh * mh + (upper >> 16));
    return (int32_t)((high << 1) + (middle >> 15));
#endif
}

/* value / 2^exponent, halves away from zero; exponent in [0, 31], value > INT32_MIN. */
static inline int32_t jr_rounding_shift_right(int32_t value, int exponent) {
    if (exponent == 0) {
        return value;
    }
    /* One less for a negative value makes its exact halves round down, away from zero. */
    return (((value + (value >> 31)) >> (exponent - 1)) + 1) >> 1;
}

/* value * multiplier / 2^31 * 2^shift; shift in [-31, 30], multiplier in [0, 2^31). */
static inline int32_t jr_requantize(int32_t value, int32_t multiplier, int shift) {
    if (shift > 0) {
        return jr_multiply_high((int32_t)((uint32_t)value << shift), multiplier);
    }
    return jr_rounding_shift_right(jr_multiply_high(value, multiplier), -shift);
}

/* value + zero point, within the activation's limits. */
static inline int8_t jr_to_int8(int32_t value, int32_t zero_point, int32_t low, int32_t high) {
    return (int8_t)jr_clamp((int32_t)((uint32_t)value + (uint32_t)zero_point), low, high);
}

#endif

#endif
