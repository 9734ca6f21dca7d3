/* SOFTMAX's reciprocal, apart so that it can be compared with exact integers. */
#ifndef JR_SOFTMAX_H
#define JR_SOFTMAX_H

#include <stdint.h>

/*
 * Reciprocal of `sum` (Q12.19 unsigned, not 0) as gemmlowp's Newton-Raphson gives it:
 * returns the mantissa in Q0.31 and sets `*exponent` so that
 * 1 / sum = mantissa / 2^31 / 2^exponent.
 */
int32_t jr_reciprocal(uint32_t sum, int32_t *exponent);

#endif
