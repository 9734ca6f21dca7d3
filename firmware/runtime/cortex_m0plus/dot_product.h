/* The dot product of a row of weights and a vector of inputs. */
#ifndef JR_M0_DOT_PRODUCT_H
#define JR_M0_DOT_PRODUCT_H

#include <stdint.h>

/*
 * Pairs `count` inputs for jr_m0_dot_product: for every four x0..x3, missing ones 0, two words
 * -x2 + x0 * 65536 and -x3 + x1 * 65536. `pairs` has room for 2 * round_up(count, 4) bytes.
 */
void jr_m0_pair_inputs(uint32_t *pairs, const int8_t *inputs, uint32_t count);

/*
 * `initial` less the sum of w * x over 4 * `quads` weights, mod 2^32.
 * `weights` is 4-byte aligned; each word of it is read once, in ascending order.
 */
uint32_t jr_m0_dot_product(const uint32_t *pairs, const int8_t *weights, uint32_t quads,
                           uint32_t initial);

#endif
