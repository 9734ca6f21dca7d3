#include "scaling.h"

#include "requantize.h"

#define FRACTION_BITS 24
#define ONE           (INT32_C(1) << FRACTION_BITS)

/* Below this the multiplier is too coarse, above it the accumulators' range is. */
#define MIN_MULTIPLIER (INT32_C(1) << 11)
#define MAX_MULTIPLIER (INT32_C(1) << 20)

/* More results than this (of 2^24) left to the exact function cost more than they save. */
#define MAX_BAND (ONE / 4)

/* Whether `accumulator` gives `result`, and well inside its step. */
static int is_inside_step(const jr_m0_scaling *scaling, int32_t accumulator, int32_t result) {
    const int32_t sum = (int32_t)((uint32_t)accumulator * (uint32_t)scaling->multiplier +
                                  (uint32_t)scaling->addend);
    const int32_t fraction = sum & (ONE - 1);
    return sum >> FRACTION_BITS == result && fraction > ONE / 4 && fraction < ONE - ONE / 8;
}

void jr_m0_prepare_scaling(jr_m0_scaling *scaling, const jr_m0_exact *exact) {
    const int32_t right = -exact->shift;
    int32_t multiplier, step, largest, half_band;
    scaling->band = UINT32_MAX;
    scaling->low = INT32_MIN;
    scaling->high = INT32_MAX;
    scaling->multiplier = 0;
    scaling->addend = 0;
    if (right < 1 || right > 15) {
        return;
    }
    multiplier = (int32_t)(((uint32_t)exact->multiplier + (UINT32_C(1) << (right + 6))) >>
                           (right + 31 - FRACTION_BITS));
    if (multiplier < MIN_MULTIPLIER || multiplier > MAX_MULTIPLIER) {
        return;
    }
    /* Accumulators from one result to the next, in 1/128. */
    step = (int32_t)((UINT32_C(1) << 31) / (uint32_t)multiplier);
    scaling->low = ((exact->activation_min - exact->zero_point) * step) >> 7;
    scaling->high = ((exact->activation_max - exact->zero_point) * step) >> 7;
    largest = -scaling->low > scaling->high ? -scaling->low : scaling->high;
    /*
     * What separates the sum from the exact quotient: the first rounding of the double
     * rounding, at most 2^-(right + 1); half a unit of the multiplier for every
     * unit of the accumulator.
     */
    half_band = (ONE >> (right + 1)) + (largest >> 1) + 2;
    scaling->multiplier = multiplier;
    scaling->addend =
        (int32_t)(((uint32_t)exact->zero_point << FRACTION_BITS) + (uint32_t)(ONE / 2 + half_band));
    if (2 * half_band <= MAX_BAND && is_inside_step(scaling, scaling->low, exact->activation_min) &&
        is_inside_step(scaling, scaling->high, exact->activation_max)) {
        scaling->band = ((uint32_t)(2 * half_band) << (32 - FRACTION_BITS)) | 0xFFu;
        return;
    }
    scaling->low = INT32_MIN;
    scaling->high = INT32_MAX;
}

int32_t jr_m0_requantize(int32_t accumulator, const jr_m0_exact *exact) {
    return jr_to_int8(jr_requantize(accumulator, exact->multiplier, exact->shift),
                      exact->zero_point, exact->activation_min, exact->activation_max);
}
