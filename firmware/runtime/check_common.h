/*
 * What the checks of the kernels share. Sizes come from an untrusted plan: every
 * product and sum saturates at JR_TOO_LARGE, which no tensor and no plan can have.
 */
#ifndef JR_CHECK_COMMON_H
#define JR_CHECK_COMMON_H

#include <stdbool.h>
#include <stdint.h>

#include "jr_kernel.h"

#define JR_TOO_LARGE UINT32_MAX

/* Whether an output may lie exactly on an input, kind by kind. */
typedef enum jr_in_place { JR_SEPARATE, JR_IN_PLACE } jr_in_place;

uint32_t jr_product(uint32_t a, uint32_t b);
uint32_t jr_sum(uint32_t a, uint32_t b);

/* Product of `count` dimensions; 0 if one of them is 0. */
uint32_t jr_elements(const uint32_t *dims, uint32_t count);

/* Highest element that indices below `dims` reach through `strides`; dims are not 0. */
uint32_t jr_last_element(const uint32_t *dims, const uint32_t *strides, uint32_t count);

/* `count` elements of `element_bytes` at `offset` are in the plan and aligned. */
int jr_check_data(const jr_args *args, uint32_t offset, uint32_t count, uint32_t element_bytes);

/*
 * Exactly so many inputs and one output, all int8; the output overlaps no input (but may
 * be one, in place, where the kind allows it) and scratch overlaps neither.
 */
int jr_check_tensors(const jr_args *args, uint32_t inputs, jr_in_place in_place);

/* activation_min <= activation_max, both int8. */
bool jr_is_activation(int32_t activation_min, int32_t activation_max);

bool jr_is_int8(int32_t value);

/* Multipliers in [0, 2^31), shifts in [-31, 30]. */
bool jr_is_scaling(int32_t multiplier, int32_t shift);

/* `count` multipliers and shifts are in the plan, aligned and in range. */
int jr_check_scaling(const jr_args *args, uint32_t multipliers_offset, uint32_t shifts_offset,
                     uint32_t count);

/* Bytes of a row of `weights` in the plan: padded to a multiple of 4, packed or not. */
uint32_t jr_row_bytes(const jr_args *args, uint32_t weights);

uint32_t jr_input_bytes(const jr_args *args, jr_size i);
uint32_t jr_output_bytes(const jr_args *args);

static inline uint32_t jr_round_up_4(uint32_t value) {
    return value > JR_TOO_LARGE - 3u ? JR_TOO_LARGE : (value + 3u) & ~UINT32_C(3);
}

#endif
