/*
 * CONV_2D, four output channels at a time (conv_block.S). Their weights are expanded
 * into scratch once and used for many pixels, so that each is read from flash once or a few
 * times. Where patches (what an output pixel sees of the input) can be used in the
 * input itself, only those that reach into the padding are gathered; otherwise patches are
 * gathered for a tile of pixels, which all channels then go over. In scratch:
 *
 *     expanded weights of four channels, 8 * row_bytes | patches, row_bytes each
 */
#include <stdbool.h>
#include <string.h>

#include "conv_block.h"
#include "expand_weights.h"
#include "int4.h"
#include "kernels.h"
#include "portable/portable.h"
#include "window.h"

typedef struct convolution {
    const jr_args *args;
    const jsp_conv_params *p;
    uint32_t depth;     /* input channels of a group */
    uint32_t row_bytes; /* of a patch and of a row of weights, padded to 4 */
    bool packed;        /* the plan's weights are */
    uint32_t *weights;  /* scratch */
    int8_t *patches;    /* scratch */
    uint32_t tile;      /* patches it has room for */
    jr_m0_conv_block block;
    void (*run_channels)(const jr_m0_conv_block *block);
} convolution;

/* Output pixel: image, row, column. */
typedef struct position {
    uint32_t n, y, x;
} position;

static void advance(const jsp_conv_params *p, position *at) {
    if (++at->x == p->output_w) {
        at->x = 0;
        if (++at->y == p->output_h) {
            at->y = 0;
            at->n++;
        }
    }
}

static const int8_t *image(const convolution *c, uint32_t n) {
    const jsp_conv_params *p = c->p;
    return jr_input(c->args, 0) + n * p->input_h * p->input_w * p->input_c;
}

/* Copies a pixel's patch, from input channel `first_c` on, row_bytes of it. */
static void gather(const convolution *c, const position *at, uint32_t first_c, int8_t *patch) {
    const jsp_conv_params *p = c->p;
    const int32_t top = (int32_t)(at->y * p->stride_h) - p->pad_top;
    const int32_t left = (int32_t)(at->x * p->stride_w) - p->pad_left;
    const jr_span rows = jr_clip_window(top, p->kernel_h, p->dilation_h, p->input_h);
    const jr_span columns = jr_clip_window(left, p->kernel_w, p->dilation_w, p->input_w);
    const uint32_t kernel_row_bytes = p->kernel_w * c->depth;
    const uint32_t step = (uint32_t)p->dilation_w * p->input_c;
    const uint32_t inside = columns.end - columns.begin;
    int8_t *out = patch;
    uint32_t ky, i;
    for (ky = 0; ky < p->kernel_h; ky++) {
        if (ky < rows.begin || ky >= rows.end || inside == 0) {
            memset(out, p->pad_value, kernel_row_bytes);
        } else {
            const uint32_t y = (uint32_t)(top + (int32_t)(ky * p->dilation_h));
            const uint32_t x = (uint32_t)(left + (int32_t)(columns.begin * p->dilation_w));
            const int8_t *from = image(c, at->n) + (y * p->input_w + x) * p->input_c + first_c;
            int8_t *to = out + columns.begin * c->depth;
            if (inside < p->kernel_w) {
                memset(out, p->pad_value, kernel_row_bytes);
            }
            if (step == c->depth) {
                memcpy(to, from, inside * c->depth);
            } else {
                for (i = 0; i < inside; i++) {
                    memcpy(to, from, c->depth);
                    to += c->depth;
                    from += step;
                }
            }
        }
        out += kernel_row_bytes;
    }
    while (out < patch + c->row_bytes) {
        *out++ = 0; /* the row's padding in the plan may be anything */
    }
}

/* Expands the weights of channels `first` to `first` + 3, of which `count` exist. */
static void prepare_block(convolution *c, uint32_t first, uint32_t count) {
    const jsp_conv_params *p = c->p;
    const uint8_t *plan = c->args->plan;
    const uint32_t stored_bytes = c->packed ? jr_int4_row_bytes(c->row_bytes) : c->row_bytes;
    const int8_t *rows = (const int8_t *)(plan + p->weights_offset) + first * stored_bytes;
    const int32_t *bias = (const int32_t *)(plan + p->bias_offset) + first;
    const int32_t *multipliers = (const int32_t *)(plan + p->multipliers_offset) + first;
    const int8_t *shifts = (const int8_t *)(plan + p->shifts_offset) + first;
    const int8_t *row[JR_M0_BLOCK_CHANNELS];
    uint32_t minus_bias[JR_M0_BLOCK_CHANNELS];
    bool lower_usable, upper_usable;
    uint32_t i;
    for (i = 0; i < JR_M0_BLOCK_CHANNELS; i++) {
        const uint32_t channel = i < count ? i : count - 1u; /* repeats the last one */
        jr_m0_exact *exact = &c->block.exact[i];
        exact->multiplier = multipliers[channel];
        exact->shift = shifts[channel];
        jr_m0_prepare_scaling(&c->block.scaling[i], exact);
        row[i] = rows + channel * stored_bytes;
        minus_bias[i] = 0u - (uint32_t)bias[channel];
    }
    c->block.initial[0] = minus_bias[0] + (minus_bias[1] << 16);
    c->block.initial[1] = minus_bias[2] + (minus_bias[3] << 16);
    c->block.initial[2] = minus_bias[1];
    c->block.initial[3] = minus_bias[3];
    if (c->packed) {
        for (i = 0; i < JR_M0_BLOCK_CHANNELS; i += 2) {
            jr_m0_expand_int4_weights(c->weights + i, (const uint32_t *)(const void *)row[i],
                                      (const uint32_t *)(const void *)row[i + 1u], c->row_bytes);
        }
        c->run_channels = jr_m0_conv_run_block;
        return;
    }
    lower_usable = jr_m0_expand_weights(c->weights, row[0], row[1], c->row_bytes);
    upper_usable = jr_m0_expand_weights(c->weights + 2, row[2], row[3], c->row_bytes);
    c->run_channels =
        lower_usable && upper_usable ? jr_m0_conv_run_block : jr_m0_conv_run_block_plain;
}

/* Runs the block over `pixels` pixels; `count` of its four channels are stored. */
static void run_block(convolution *c, int8_t *output, uint32_t pixels, uint32_t count) {
    int8_t results[JR_M0_BLOCK_CHANNELS];
    if (count == JR_M0_BLOCK_CHANNELS) {
        c->block.output = output;
        c->block.pixels = pixels;
        c->run_channels(&c->block);
        return;
    }
    c->block.pixels = 1;
    for (; pixels > 0; pixels--) {
        c->block.output = results;
        c->run_channels(&c->block);
        memcpy(output, results, count);
        output += c->p->output_c;
        c->block.input += c->block.input_step;
    }
}

static uint32_t block_channels(uint32_t channel, uint32_t end) {
    return end - channel < JR_M0_BLOCK_CHANNELS ? end - channel : JR_M0_BLOCK_CHANNELS;
}

static void use_patches(convolution *c) {
    c->block.input = c->patches;
    c->block.input_step = c->row_bytes;
    c->block.segments = 1;
    c->block.segment_bytes = c->row_bytes;
    c->block.segment_gap = 0;
}

/* Patches of a tile of pixels, all channels over it, the next tile. Works in place. */
static void run_gathered(convolution *c) {
    const jsp_conv_params *p = c->p;
    const uint32_t pixels = (uint32_t)p->batch * p->output_h * p->output_w;
    const uint32_t group_outputs = (uint32_t)p->output_c / p->groups;
    int8_t *output = jr_output(c->args, 0);
    position at = {0, 0, 0};
    uint32_t first, count, i, g, channel;
    for (first = 0; first < pixels; first += count) {
        position tile = at;
        count = pixels - first < c->tile ? pixels - first : c->tile;
        for (g = 0; g < p->groups; g++) {
            at = tile;
            for (i = 0; i < count; i++) {
                gather(c, &at, g * c->depth, c->patches + i * c->row_bytes);
                advance(p, &at);
            }
            for (channel = g * group_outputs; channel < (g + 1u) * group_outputs;
                 channel += JR_M0_BLOCK_CHANNELS) {
                const uint32_t channels = block_channels(channel, (g + 1u) * group_outputs);
                prepare_block(c, channel, channels);
                use_patches(c);
                run_block(c, output + first * p->output_c + channel, count, channels);
            }
        }
    }
}

/* One output row of a block: the pixels whose patches lie inside the input, and the others. */
static void run_row(convolution *c, position *at, int8_t *output, uint32_t channels) {
    const jsp_conv_params *p = c->p;
    const int32_t top = (int32_t)(at->y * p->stride_h) - p->pad_top;
    const uint32_t reach_h = (p->kernel_h - 1u) * p->dilation_h;
    const uint32_t row_bytes = (uint32_t)p->input_w * p->input_c;
    const bool rows_inside = top >= 0 && (uint32_t)top + reach_h < p->input_h;
    at->x = 0;
    while (at->x < p->output_w) {
        const int32_t left = (int32_t)(at->x * p->stride_w) - p->pad_left;
        uint32_t pixels = 1;
        if (rows_inside && left >= 0 && (uint32_t)left + p->kernel_w <= p->input_w) {
            pixels += (p->input_w - p->kernel_w - (uint32_t)left) / p->stride_w;
            if (pixels > p->output_w - at->x) {
                pixels = p->output_w - at->x;
            }
            c->block.input =
                image(c, at->n) + (uint32_t)top * row_bytes + (uint32_t)left * p->input_c;
            c->block.input_step = (uint32_t)p->stride_w * p->input_c;
            c->block.segments = p->kernel_h;
            c->block.segment_bytes = p->kernel_w * p->input_c;
            c->block.segment_gap = p->dilation_h * row_bytes - c->block.segment_bytes;
        } else {
            gather(c, at, 0, c->patches);
            use_patches(c);
        }
        run_block(c, output, pixels, channels);
        output += pixels * p->output_c;
        at->x += pixels;
    }
}

static void run_direct(convolution *c) {
    const jsp_conv_params *p = c->p;
    uint32_t channel;
    for (channel = 0; channel < p->output_c; channel += JR_M0_BLOCK_CHANNELS) {
        const uint32_t channels = block_channels(channel, p->output_c);
        int8_t *output = jr_output(c->args, 0) + channel;
        position at;
        prepare_block(c, channel, channels);
        for (at.n = 0; at.n < p->batch; at.n++) {
            for (at.y = 0; at.y < p->output_h; at.y++) {
                run_row(c, &at, output, channels);
                output += (uint32_t)p->output_w * p->output_c;
            }
        }
    }
}

static bool is_padded(const jsp_conv_params *p) {
    return p->pad_top != 0 || p->pad_left != 0 ||
           (p->output_h - 1u) * p->stride_h + (p->kernel_h - 1u) * p->dilation_h >= p->input_h ||
           (p->output_w - 1u) * p->stride_w + (p->kernel_w - 1u) * p->dilation_w >= p->input_w;
}

/* Whether kernel rows lie in the input as in a patch: contiguous and aligned to words. */
static bool is_direct(const jr_args *args, const jsp_conv_params *p) {
    return p->groups == 1 && (p->input_c & 3u) == 0 && (p->dilation_w == 1 || p->kernel_w == 1) &&
           jr_input(args, 0) != jr_output(args, 0);
}

void jr_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    convolution c;
    uint32_t weights_bytes, i;
    c.args = args;
    c.p = p;
    c.depth = (uint32_t)p->input_c / p->groups;
    c.row_bytes = ((uint32_t)p->kernel_h * p->kernel_w * c.depth + 3u) & ~UINT32_C(3);
    c.packed = jr_has_int4_weights(args);
    weights_bytes = c.row_bytes * (2u * JR_M0_BLOCK_CHANNELS);
    if (args->op->scratch_bytes < weights_bytes) {
        jr_conv_2d_run_portable(args);
        return;
    }
    c.weights = (uint32_t *)(void *)jr_scratch(args);
    c.patches = (int8_t *)jr_scratch(args) + weights_bytes;
    c.tile = (args->op->scratch_bytes - weights_bytes) / c.row_bytes;
    c.block.weights = c.weights;
    c.block.output_step = p->output_c;
    for (i = 0; i < JR_M0_BLOCK_CHANNELS; i++) {
        c.block.exact[i].zero_point = p->output_zero_point;
        c.block.exact[i].activation_min = p->activation_min;
        c.block.exact[i].activation_max = p->activation_max;
    }
    if (is_direct(args, p) && (c.tile > 0 || !is_padded(p))) {
        run_direct(&c);
    } else if (c.tile > 0) {
        run_gathered(&c);
    } else {
        jr_conv_2d_run_portable(args);
    }
}
