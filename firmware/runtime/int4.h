/*
 * Weights of four bits: eight of them, w0 to w7, a word of 32 bits, each as w + 8, in the order
 * w0, w1, w4, w5, w2, w3, w6, w7 from the lowest bits up (protocol/SPEC.md, the plan). So a mask
 * gives two at once, in the halves where cores that multiply two at once want them.
 */
#ifndef JR_INT4_H
#define JR_INT4_H

#include <stdbool.h>
#include <stdint.h>

#include "jr_kernel.h"

#if JR_PLAN_IS_APART && !(defined(JR_OMIT_CONV_2D_INT4) && defined(JR_OMIT_FULLY_CONNECTED_INT4))
#error "kernels take unpacked weights from the plan's address space: omit the int4 kinds"
#endif

#define JR_INT4_BIAS          8
#define JR_INT4_WORD_WEIGHTS  8u
#define JR_INT4_LANES         UINT32_C(0x000F000F)
#define JR_INT4_LANES_OF_BIAS UINT32_C(0x00080008)

/* Whether the op's weights are packed; a constant in a build without such kinds. */
static inline bool jr_has_int4_weights(const jr_args *args) {
#ifndef JR_OMIT_CONV_2D_INT4
    if (args->op->kind == JSP_OP_CONV_2D_INT4) {
        return true;
    }
#endif
#ifndef JR_OMIT_FULLY_CONNECTED_INT4
    if (args->op->kind == JSP_OP_FULLY_CONNECTED_INT4) {
        return true;
    }
#endif
    (void)args;
    return false;
}

/* Bytes of a packed row. */
static inline uint32_t jr_int4_row_bytes(uint32_t weights) {
    return (weights / JR_INT4_WORD_WEIGHTS + (weights % JR_INT4_WORD_WEIGHTS != 0)) * 4u;
}

/* The first 4 * `quads` weights of a packed row, int8. */
static inline void jr_int4_unpack(int8_t *row, const uint32_t *packed, uint32_t quads) {
    uint32_t i;
    for (i = 0; i < quads; i++) {
        const uint32_t word = packed[i / 2u] >> (i % 2u * 8u);
        *row++ = (int8_t)((int32_t)(word & 15u) - JR_INT4_BIAS);
        *row++ = (int8_t)((int32_t)(word >> 4 & 15u) - JR_INT4_BIAS);
        *row++ = (int8_t)((int32_t)(word >> 16 & 15u) - JR_INT4_BIAS);
        *row++ = (int8_t)((int32_t)(word >> 20 & 15u) - JR_INT4_BIAS);
    }
}

#endif
