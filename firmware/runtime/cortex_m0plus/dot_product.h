/* The dot product of a row of weights and a vector of inputs. */
#ifndef JR_M0_DOT_PRODUCT_H
#define JR_M0_DOT_PRODUCT_H

#include <stdint.h>

/*
 * Pairs `count` inputs: for every four x0..x3, missing ones 0, two words sign * x2 + x0 * 65536
 * and sign * x3 + x1 * 65536. `pairs` has room for 2 * round_up(count, 4) bytes. The sign is -1
 * for jr_m0_dot_product, 1 for jr_m0_dot_product_int4. Returns the sum of the inputs.
 */
int32_t jr_m0_pair_inputs(uint32_t *pairs, const int8_t *inputs, uint32_t count, int32_t sign);

/*
 * `initial` less the sum of w * x over 4 * `quads` weights, mod 2^32.
 * `weights` is 4-byte aligned; each word of it is read once, in ascending order.
 */
uint32_t jr_m0_dot_product(const uint32_t *pairs, const int8_t *weights, uint32_t quads,
                           uint32_t initial);

/*
 * `initial` plus the sum of u * x over 8 * `words` weights, mod 2^32, where u is a packed weight as
 * it is stored (int4.h). `words` is at least 1; each word is read once, in ascending order.
 */
uint32_t jr_m0_dot_product_int4(const uint32_t *pairs, const uint32_t *weights, uint32_t words,
                                uint32_t initial);

#endif
