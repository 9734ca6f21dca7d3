/*
 * SOFTMAX, as TensorFlow Lite's integer reference: the plan's table holds the
 * exponentials, the rest is gemmlowp's fixed point. "Qi.f" has i integer bits.
 */
#include "softmax.h"

#include "kernels.h"
#include "requantize.h"

#define ACCUMULATOR_INTEGER_BITS 12

static int32_t leading_zeros(uint32_t value) {
    int32_t count = 0;
    while ((value & UINT32_C(0x80000000)) == 0) {
        value <<= 1;
        count++;
    }
    return count;
}

/* 1 / (1 + a) for a in [0, 1), Q0.31: three Newton-Raphson steps from 48/17 - 32/17 d. */
static int32_t one_over_one_plus(int32_t a) {
    const int32_t one_q2 = INT32_C(1) << 29;
    const int32_t constant_48_over_17 = 1515870810;
    const int32_t constant_minus_32_over_17 = -1010580540;
    /* (a + 1) / 2, halves up; 1 is INT32_MAX in Q0.31. */
    const int32_t half_denominator = (int32_t)(((uint32_t)a + (uint32_t)INT32_MAX + 1u) >> 1);
    int32_t x = constant_48_over_17 + jr_multiply_high(constant_minus_32_over_17, half_denominator);
    int i;
    for (i = 0; i < 3; i++) {
        const int32_t error = one_q2 - jr_multiply_high(x, half_denominator);
        /* The product is Q4.27. It is far from saturating: |error| is at most 1/17. */
        x += jr_multiply_high(error, x) * 4;
    }
    /* x / 2 in Q0.31: twice the bits of x in Q2.29, where 1 saturates. */
    return x >= INT32_C(1) << 30 ? INT32_MAX : x * 2;
}

int32_t jr_reciprocal(uint32_t sum, int32_t *exponent) {
    const int32_t zeros = leading_zeros(sum);
    *exponent = ACCUMULATOR_INTEGER_BITS - zeros;
    return one_over_one_plus((int32_t)((sum << zeros) & UINT32_C(0x7FFFFFFF)));
}

static uint32_t sum_of_exponentials(const JR_PLAN int32_t *table, jr_size entries, const int8_t *x,
                                    jr_size depth, int16_t max) {
    uint32_t sum = 0;
    jr_size i;
    for (i = 0; i < depth; i++) {
        const jr_size difference = (jr_size)(max - x[i]);
        if (difference < entries) {
            sum += (uint32_t)jr_rounding_shift_right(table[difference], ACCUMULATOR_INTEGER_BITS);
        }
    }
    return sum;
}

void jr_softmax_run(const jr_args *args) {
    const jsp_softmax_params *p = (const jsp_softmax_params *)args->params;
    const JR_PLAN int32_t *table = (const JR_PLAN int32_t *)(args->plan + p->table_offset);
    const jr_size rows = p->rows, depth = p->depth, entries = p->table_entries;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    jr_size row, i;
    for (row = 0; row < rows; row++) {
        int16_t max = INT8_MIN;
        int32_t scale, exponent;
        for (i = 0; i < depth; i++) {
            max = input[i] > max ? input[i] : max;
        }
        scale = jr_reciprocal(sum_of_exponentials(table, entries, input, depth, max), &exponent);
        exponent += 31 - 8;
        for (i = 0; i < depth; i++) {
            const jr_size difference = (jr_size)(max - input[i]);
            int32_t value = 0;
            /* From 2^32 on, the divisor leaves nothing of a Q0.31 value. */
            if (difference < entries && exponent <= 31) {
                value =
                    jr_rounding_shift_right(jr_multiply_high(table[difference], scale), exponent);
            }
            output[i] = jr_to_int8(value, INT8_MIN, INT8_MIN, INT8_MAX);
        }
        input += depth;
        output += depth;
    }
}
