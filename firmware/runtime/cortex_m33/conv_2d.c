/*
 * CONV_2D. The patches of a tile of output pixels (what they see of the input) are expanded to 16
 * bits in scratch, interleaved in pairs, and used there for every channel: for four channels at a
 * time whose weights are expanded too (channel_block.S), or where that has no room or does not pay,
 * for two channels whose weights are read as they are (pixel_pair.S, or pixel_pair_int4.S where
 * they are packed). Works in place, pixels ascending. In scratch:
 *
 *     a patch of bytes, row_bytes, where a group's input channels are no multiple of four |
 *     weights of four channels, 8 * row_bytes | patches, 4 * row_bytes a pair
 */
#include <stdbool.h>
#include <stddef.h>

#include "channel_block.h"
#include "dsp.h"
#include "expand.h"
#include "int4.h"
#include "kernels.h"
#include "patches.h"
#include "pixel_pair.h"
#include "portable/portable.h"
#include "scaling.h"

/* The expanded weights take as much room as two pairs of patches. They pay from two pairs on. */
#define EXPANDED_PAIRS  2u
#define MIN_BLOCK_PAIRS 2u

typedef struct convolution {
    const jsp_conv_params *p;
    const int8_t *weights;
    const int32_t *bias, *multipliers;
    const int8_t *shifts;
    int8_t *output;
    uint32_t row_bytes; /* of a patch and of a row of weights, padded to 4 */
    bool packed;        /* the weights are, */
    uint32_t row_step;  /* so that this is from a row of them to the next */
    uint32_t *expanded; /* scratch for weights, or NULL where they are used as they are */
    uint32_t tile;      /* pixels whose patches have room, an even number */
    jr_m33_patches patches;
    jr_m33_channel_block block;
} convolution;

/* Four rows of weights, as channel_block.S has them. */
static void expand_weights(uint32_t *halves, const int8_t *rows, uint32_t row_bytes) {
    const int8_t *const end = rows + row_bytes;
    for (; rows != end; rows += 4) {
        const int8_t *at = rows;
        uint32_t i;
#pragma GCC unroll 4
        for (i = 0; i < JR_M33_BLOCK_CHANNELS; i++) {
            const uint32_t word = jr_m33_read_word(at);
            halves[i] = jr_m33_even_bytes(word);
            halves[i + JR_M33_BLOCK_CHANNELS] = jr_m33_odd_bytes(word);
            at += row_bytes;
        }
        halves += 2u * JR_M33_BLOCK_CHANNELS;
    }
}

/* The same of packed rows. */
static void expand_packed_weights(uint32_t *halves, const int8_t *rows, uint32_t row_bytes) {
    const uint32_t row_step = jr_int4_row_bytes(row_bytes);
    uint32_t done, i;
    for (done = 0; done < row_bytes; done += 8) {
#pragma GCC unroll 4
        for (i = 0; i < JR_M33_BLOCK_CHANNELS; i++) {
            const uint32_t word = jr_m33_read_word(rows + i * row_step);
            halves[i] = jr_m33_int4_halves(word);
            halves[i + JR_M33_BLOCK_CHANNELS] = jr_m33_int4_halves(word >> 4);
            if (row_bytes - done > 4u) {
                halves[i + 2u * JR_M33_BLOCK_CHANNELS] = jr_m33_int4_halves(word >> 8);
                halves[i + 3u * JR_M33_BLOCK_CHANNELS] = jr_m33_int4_halves(word >> 12);
            }
        }
        halves += 4u * JR_M33_BLOCK_CHANNELS;
        rows += 4;
    }
}

/* Channels `first` to `first` + 3 of a tile whose output is at `output`. */
static void run_channel_block(convolution *c, uint32_t first, uint32_t pixels, int8_t *output) {
    const int32_t *bias = c->bias + first;
    const int32_t *multipliers = c->multipliers + first;
    const int8_t *shifts = c->shifts + first;
    jr_m33_channel_block *block = &c->block;
    uint32_t i;
    if (c->packed) {
        expand_packed_weights(c->expanded, c->weights + first * c->row_step, c->row_bytes);
    } else {
        expand_weights(c->expanded, c->weights + first * c->row_step, c->row_bytes);
    }
#pragma GCC unroll 4
    for (i = 0; i < JR_M33_BLOCK_CHANNELS; i++) {
        block->bias[i] = bias[i];
        block->scaling[i].multiplier = multipliers[i];
        block->scaling[i].right = ~(int32_t)shifts[i];
    }
    block->output = output + first;
    if (pixels >= 2u) {
        block->inputs = c->patches.halves;
        block->output_step = c->p->output_c;
        jr_m33_run_channel_block(block, pixels / 2u);
    }
    if ((pixels & 1u) != 0) {
        block->inputs = c->patches.halves + pixels / 2u * c->row_bytes;
        block->output_step = 0;
        jr_m33_run_channel_block(block, 1);
    }
}

/* Channels `first` to `first` + `count` - 1 of two pixels whose output is at `output`. */
static void run_pixel_pair(const convolution *c, uint32_t first, uint32_t count,
                           const uint32_t *patches, int8_t *const output[2]) {
    void (*const run_channels)(jr_m33_pixel_pair *, uint32_t) =
        c->packed ? jr_m33_run_pixel_pair_int4 : jr_m33_run_pixel_pair;
    jr_m33_pixel_pair pair;
    pair.inputs = patches;
    pair.quads = c->row_bytes / 4u;
    pair.weights = c->weights + first * c->row_step;
    pair.row_step = c->row_step;
    pair.bias = c->bias + first;
    pair.multipliers = c->multipliers + first;
    pair.shifts = c->shifts + first;
    pair.rounding = jr_m33_rounding(c->p->output_zero_point);
    pair.output[0] = output[0] + first;
    pair.output[1] = output[1] + first;
    if (c->packed) {
        pair.excess[0] = jr_m33_int4_excess(patches, 2, pair.quads);
        pair.excess[1] = jr_m33_int4_excess(patches + 1, 2, pair.quads);
    }
    if (count >= 2u) {
        run_channels(&pair, count / 2u);
    }
    if ((count & 1u) != 0) {
        /* The last channel twice, the second time for nothing. */
        const int32_t bias[2] = {pair.bias[0], 0};
        const int32_t multipliers[2] = {pair.multipliers[0], 0};
        const int8_t shifts[2] = {pair.shifts[0], -1};
        int8_t *const last[2] = {pair.output[0], pair.output[1]};
        int8_t results[2][2];
        pair.row_step = 0;
        pair.bias = bias;
        pair.multipliers = multipliers;
        pair.shifts = shifts;
        pair.output[0] = results[0];
        pair.output[1] = results[1];
        run_channels(&pair, 1);
        *last[1] = results[1][0]; /* first: where both are one pixel, the other goes over it */
        *last[0] = results[0][0];
    }
}

/* All channels of a group, in blocks of four where their weights have room, the others in pairs. */
static void run_group(convolution *c, uint32_t first, uint32_t pixels, int8_t *output) {
    const jsp_conv_params *p = c->p;
    uint32_t count = (uint32_t)p->output_c / p->groups;
    uint32_t i;
    if (c->expanded != NULL) {
        for (; count >= JR_M33_BLOCK_CHANNELS; count -= JR_M33_BLOCK_CHANNELS) {
            run_channel_block(c, first, pixels, output);
            first += JR_M33_BLOCK_CHANNELS;
        }
    }
    for (i = 0; count > 0 && i < pixels; i += 2) {
        int8_t *of_pair[2];
        of_pair[0] = output + i * p->output_c;
        of_pair[1] = i + 1u < pixels ? of_pair[0] + p->output_c : of_pair[0];
        run_pixel_pair(c, first, count, c->patches.halves + i / 2u * c->row_bytes, of_pair);
    }
}

static void run(convolution *c) {
    const jsp_conv_params *p = c->p;
    uint32_t left = (uint32_t)p->batch * p->output_h * p->output_w;
    int8_t *output = c->output;
    jr_m33_position next = {0, 0, 0};
    while (left > 0) {
        const uint32_t pixels = left < c->tile ? left : c->tile;
        const jr_m33_position first = next;
        uint32_t g;
        for (g = 0; g < p->groups; g++) {
            next = first;
            jr_m33_load_patches(&c->patches, &next, g * c->patches.depth, pixels);
            run_group(c, g * ((uint32_t)p->output_c / p->groups), pixels, output);
        }
        output += pixels * p->output_c;
        left -= pixels;
    }
}

/* Divides the scratch; false: it is too little. */
static bool lay_out(convolution *c, int8_t *scratch, uint32_t scratch_bytes) {
    const uint32_t pair_bytes = c->row_bytes * 4u;
    uint32_t pairs;
    c->patches.bytes = NULL;
    c->expanded = NULL;
    if ((c->patches.depth & 3u) != 0) {
        if (scratch_bytes < c->row_bytes) {
            return false;
        }
        c->patches.bytes = scratch;
        scratch += c->row_bytes;
        scratch_bytes -= c->row_bytes;
    }
    pairs = scratch_bytes / pair_bytes;
    c->tile = 2;
    if (pairs >= EXPANDED_PAIRS + MIN_BLOCK_PAIRS) {
        c->expanded = (uint32_t *)(void *)scratch;
        scratch += EXPANDED_PAIRS * pair_bytes;
        c->tile = (pairs - EXPANDED_PAIRS) * 2u;
    }
    c->patches.halves = (uint32_t *)(void *)scratch;
    return pairs > 0;
}

void jr_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    convolution c;
    c.p = p;
    c.weights = (const int8_t *)(args->plan + p->weights_offset);
    c.bias = (const int32_t *)(args->plan + p->bias_offset);
    c.multipliers = (const int32_t *)(args->plan + p->multipliers_offset);
    c.shifts = (const int8_t *)(args->plan + p->shifts_offset);
    c.output = jr_output(args, 0);
    c.patches.p = p;
    c.patches.input = jr_input(args, 0);
    c.patches.depth = (uint32_t)p->input_c / p->groups;
    c.row_bytes = ((uint32_t)p->kernel_h * p->kernel_w * c.patches.depth + 3u) & ~UINT32_C(3);
    c.patches.row_bytes = c.row_bytes;
    c.packed = jr_has_int4_weights(args);
    c.row_step = c.packed ? jr_int4_row_bytes(c.row_bytes) : c.row_bytes;
    if (!lay_out(&c, (int8_t *)jr_scratch(args), args->op->scratch_bytes) ||
        !jr_m33_can_scale(c.bias, p->output_c, c.shifts, p->output_c, c.row_bytes)) {
        jr_conv_2d_run_portable(args);
        return;
    }
    c.block.rounding = jr_m33_rounding(p->output_zero_point);
    c.block.quads = c.row_bytes / 4u;
    c.block.weights = c.expanded;
    run(&c);
    jr_m33_clamp(c.output, (uint32_t)p->batch * p->output_h * p->output_w * p->output_c,
                 p->activation_min, p->activation_max);
}
