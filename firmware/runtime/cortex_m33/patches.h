/* Patches: what an output pixel of a convolution sees of the input, padding included. */
#ifndef JR_M33_PATCHES_H
#define JR_M33_PATCHES_H

#include <stdint.h>

#include "jr_kernel.h"

/* Output pixel: image, row, column. */
typedef struct jr_m33_position {
    uint32_t n, y, x;
} jr_m33_position;

/*
 * For every four inputs x0..x3 of a pair of patches, `halves` holds (x0, x2) of either, then their
 * (x1, x3); pair after pair, 4 * row_bytes each.
 */
typedef struct jr_m33_patches {
    const jsp_conv_params *p;
    const int8_t *input;
    uint32_t depth;     /* input channels of a group */
    uint32_t row_bytes; /* inputs of a patch, padded to 4 */
    int8_t *bytes;      /* room for a patch where `depth` is no multiple of four, else NULL */
    uint32_t *halves;
} jr_m33_patches;

/*
 * Expands the patches of `pixels` pixels from `at` on, which moves on; of the group whose first
 * input channel is `first_c`. Where `pixels` is odd, the last pair's second patch is undefined.
 */
void jr_m33_load_patches(const jr_m33_patches *patches, jr_m33_position *at, uint32_t first_c,
                         uint32_t pixels);

#endif
