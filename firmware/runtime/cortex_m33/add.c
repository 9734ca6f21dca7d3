/*
 * ADD of two tensors of the same shape, four elements at a time. TensorFlow Lite scales by the
 * larger of the inputs' scales, so that input's multiplier is exactly one half and its part a
 * shift: the form this kernel takes. All else (broadcasts, equal scales) is left to the portable
 * kernel.
 */
#include <stdbool.h>

#include "elementwise.h"
#include "portable/portable.h"
#include "scaling.h"

/* One half in Q31. */
#define HALF (INT32_C(1) << 30)

/* Bits that the common scale is finer than the inputs' (the plan's left_shift). */
#define HEADROOM 20

/* `scaled` is the input with the smaller scale, `halved` the other one. */
typedef struct addition {
    int32_t scaled_offset, scaled_multiplier, scaled_right;
    int32_t halved_offset;
    int32_t multiplier, shift, rounding;
} addition;

/* jr_rounding_shift_right(jr_multiply_high(x << HEADROOM, multiplier), right + 1), and the sum. */
static inline int8_t add(int32_t scaled, int32_t halved, const addition *a) {
    int32_t value = (int32_t)((uint32_t)scaled << (HEADROOM + 1)) + a->scaled_offset;
    value = jr_m33_multiply_high(value, a->scaled_multiplier);
    value += value >> 31;
    value = ((value >> a->scaled_right) + 1) >> 1;
    value += (int32_t)((uint32_t)halved << (HEADROOM - 1)) + a->halved_offset;
    return jr_m33_scale(value, a->multiplier, a->shift, a->rounding);
}

static inline uint32_t byte(int8_t value) {
    return (uint8_t)value;
}

static void add_all(const addition *parameters, const int8_t *scaled, const int8_t *halved,
                    int8_t *output, uint32_t count) {
    const addition a = *parameters;
    for (; count >= 4; count -= 4) {
        const uint32_t s = jr_m33_read_word(scaled), h = jr_m33_read_word(halved);
        const uint32_t lower = byte(add((int8_t)s, (int8_t)h, &a)) |
                               byte(add((int8_t)(s >> 8), (int8_t)(h >> 8), &a)) << 8;
        const uint32_t upper = byte(add((int8_t)(s >> 16), (int8_t)(h >> 16), &a)) |
                               byte(add((int8_t)(s >> 24), (int8_t)(h >> 24), &a)) << 8;
        jr_m33_write_word(output, lower | upper << 16);
        scaled += 4;
        halved += 4;
        output += 4;
    }
    for (; count > 0; count--) {
        *output++ = add(*scaled++, *halved++, &a);
    }
}

static bool is_halved(int32_t multiplier, int32_t shift) {
    return multiplier == HALF && shift == 0;
}

/* Whether an input is read as the output is written, one element after the other. */
static bool is_plain(const uint32_t strides[4], const uint32_t dims[4]) {
    return strides[3] == 1 && (dims[2] == 1 || strides[2] == dims[3]) &&
           (dims[1] == 1 || strides[1] == dims[2] * dims[3]) &&
           (dims[0] == 1 || strides[0] == dims[1] * dims[2] * dims[3]);
}

void jr_add_run(const jr_args *args) {
    const jsp_elementwise_params *p = (const jsp_elementwise_params *)args->params;
    const uint32_t count = p->dims[0] * p->dims[1] * p->dims[2] * p->dims[3];
    const bool first_halved = is_halved(p->input1_multiplier, p->input1_shift);
    const int32_t scaled_shift = first_halved ? p->input2_shift : p->input1_shift;
    addition a;
    if (!is_plain(p->input1_strides, p->dims) || !is_plain(p->input2_strides, p->dims) ||
        !(first_halved || is_halved(p->input2_multiplier, p->input2_shift)) || scaled_shift >= 0 ||
        p->output_shift >= 0) {
        jr_add_run_portable(args);
        return;
    }
    a.scaled_offset = (first_halved ? p->input2_offset : p->input1_offset) * (1 << (HEADROOM + 1));
    a.scaled_multiplier = first_halved ? p->input2_multiplier : p->input1_multiplier;
    a.scaled_right = ~scaled_shift;
    a.halved_offset = (first_halved ? p->input1_offset : p->input2_offset) * (1 << (HEADROOM - 1));
    a.multiplier = p->output_multiplier;
    a.shift = p->output_shift;
    a.rounding = jr_m33_rounding(p->output_offset);
    add_all(&a, jr_input(args, first_halved ? 1 : 0), jr_input(args, first_halved ? 0 : 1),
            jr_output(args, 0), count);
    jr_m33_clamp(jr_output(args, 0), count, p->activation_min, p->activation_max);
}
