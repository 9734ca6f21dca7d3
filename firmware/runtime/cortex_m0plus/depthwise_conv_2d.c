/*
 * DEPTHWISE_CONV_2D with multiplier 1, channel by channel. The channel's input is spread out in
 * scratch with its padding, two output rows' worth in a word: input row r in the lower half, the
 * row that the next output row sees there in the upper one. One multiplication by a weight
 * then serves two output rows. Sums of two products are taken apart as in conv_block.S, but with
 * half a unit added instead of the carry, so that every weight and input is exact. Works in
 * place, because nothing of a channel is read once it is spread out. In scratch, a word each:
 *
 *     weights, negative | input rows and columns, padding included
 */
#include <stdbool.h>
#include <stddef.h>

#include "kernels.h"
#include "portable/portable.h"
#include "scaling.h"

typedef struct planar {
    const jsp_conv_params *p;
    int32_t *weights;
    uint32_t *words;
    uint32_t rows, columns; /* of words */
    uint32_t first, inside; /* words of a row that are not padding */
    uint32_t first_input;   /* input column of the first of them */
    int32_t minus_bias;
    jr_m0_exact exact;
    jr_m0_scaling scaling;
} planar;

static void lay_out(planar *c, uint32_t *scratch) {
    const jsp_conv_params *p = c->p;
    const uint32_t last_row = ((p->output_h + 1u) & ~UINT32_C(1)) - 2u;
    const int32_t left = p->pad_left;
    uint32_t end;
    c->rows = last_row * p->stride_h + (p->kernel_h - 1u) * p->dilation_h + 1u;
    c->columns = (p->output_w - 1u) * p->stride_w + (p->kernel_w - 1u) * p->dilation_w + 1u;
    c->weights = (int32_t *)scratch;
    c->words = scratch + (uint32_t)p->kernel_h * p->kernel_w;
    c->first = left > 0 ? (uint32_t)left : 0u;
    c->first_input = left < 0 ? (uint32_t)-left : 0u;
    end = (uint32_t)(left + (int32_t)p->input_w);
    if ((int32_t)end < 0 || c->first_input >= p->input_w || c->first >= c->columns) {
        c->inside = 0;
    } else {
        c->inside = (end < c->columns ? end : c->columns) - c->first;
    }
}

/* Padding is the same for every channel: what load_input() leaves alone is written once. */
static void fill_with_padding(planar *c) {
    const uint32_t pad = (uint32_t)c->p->pad_value;
    const uint32_t count = c->rows * c->columns;
    uint32_t i;
    for (i = 0; i < count; i++) {
        c->words[i] = pad + (pad << 16);
    }
}

static const int8_t *input_row(const planar *c, const int8_t *channel, int32_t y) {
    const jsp_conv_params *p = c->p;
    if (y < 0 || y >= (int32_t)p->input_h) {
        return NULL;
    }
    return channel + ((uint32_t)y * p->input_w + c->first_input) * p->input_c;
}

static inline uint32_t halves(int32_t lower, int32_t upper) {
    return (uint32_t)lower + ((uint32_t)upper << 16);
}

static void load_input(const planar *c, const int8_t *channel) {
    const jsp_conv_params *p = c->p;
    const uint32_t step = p->input_c;
    uint32_t *row = c->words + c->first;
    uint32_t r;
    for (r = 0; r < c->rows; r++) {
        const int32_t y = (int32_t)r - p->pad_top;
        const int8_t *lower = input_row(c, channel, y);
        const int8_t *upper = input_row(c, channel, y + p->stride_h);
        uint32_t *word = row;
        const uint32_t *end = row + c->inside;
        if (lower != NULL && upper != NULL) {
            for (; word != end; word++) {
                *word = halves(*lower, *upper);
                lower += step;
                upper += step;
            }
        } else if (lower != NULL) {
            for (; word != end; word++) {
                *word = halves(*lower, p->pad_value);
                lower += step;
            }
        } else if (upper != NULL) {
            for (; word != end; word++) {
                *word = halves(p->pad_value, *upper);
                upper += step;
            }
        }
        row += c->columns;
    }
}

static void load_channel(planar *c, const jr_args *args, uint32_t channel) {
    const jsp_conv_params *p = c->p;
    const uint32_t taps = (uint32_t)p->kernel_h * p->kernel_w;
    const int8_t *w =
        (const int8_t *)(args->plan + p->weights_offset) + channel * ((taps + 3u) & ~UINT32_C(3));
    uint32_t i;
    for (i = 0; i < taps; i++) {
        c->weights[i] = -w[i];
    }
    c->minus_bias =
        (int32_t)(0u - (uint32_t)((const int32_t *)(args->plan + p->bias_offset))[channel]);
    c->exact.multiplier = ((const int32_t *)(args->plan + p->multipliers_offset))[channel];
    c->exact.shift = ((const int8_t *)(args->plan + p->shifts_offset))[channel];
    jr_m0_prepare_scaling(&c->scaling, &c->exact);
}

typedef struct sums {
    uint32_t total; /* lower halves' sum + 65536 * upper, mod 2^32 */
    uint32_t upper; /* upper halves' sum */
} sums;

/* `products` is of at most two products, so that its lower half is in [-32768, 32512]. */
static inline void add(sums *s, uint32_t products) {
    s->total += products;
    s->upper += (uint32_t)((int32_t)(products + 0x8000u) >> 16);
}

static inline void add_3x3(sums *s, const uint32_t *x, const int32_t *w, uint32_t columns) {
    const uint32_t *y = x + columns;
    const uint32_t *z = y + columns;
    add(s, x[0] * (uint32_t)w[0] + x[1] * (uint32_t)w[1]);
    add(s, x[2] * (uint32_t)w[2] + y[0] * (uint32_t)w[3]);
    add(s, y[1] * (uint32_t)w[4] + y[2] * (uint32_t)w[5]);
    add(s, z[0] * (uint32_t)w[6] + z[1] * (uint32_t)w[7]);
    add(s, z[2] * (uint32_t)w[8]);
}

static inline void add_window(sums *s, const uint32_t *x, const planar *c) {
    const jsp_conv_params *p = c->p;
    const uint32_t step = p->dilation_w;
    const int32_t *w = c->weights;
    uint32_t ky, kx;
    for (ky = 0; ky < p->kernel_h; ky++) {
        const uint32_t *at = x;
        for (kx = p->kernel_w; kx >= 2; kx -= 2) {
            add(s, at[0] * (uint32_t)w[0] + at[step] * (uint32_t)w[1]);
            at += 2u * step;
            w += 2;
        }
        if (kx > 0) {
            add(s, at[0] * (uint32_t)*w++);
        }
        x += p->dilation_h * c->columns;
    }
}

static void run_channel(const planar *c, int8_t *output) {
    const jsp_conv_params *p = c->p;
    const bool is_3x3 =
        p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_h == 1 && p->dilation_w == 1;
    const uint32_t step = p->output_c;
    const uint32_t row_bytes = p->output_w * step;
    const uint32_t *row = c->words;
    uint32_t y, i;
    for (y = 0; y < p->output_h; y += 2) {
        const uint32_t *x = row;
        int8_t *to = output;
        for (i = p->output_w; i > 0; i--) {
            sums s = {(uint32_t)c->minus_bias + ((uint32_t)c->minus_bias << 16),
                      (uint32_t)c->minus_bias};
            if (is_3x3) {
                add_3x3(&s, x, c->weights, c->columns);
            } else {
                add_window(&s, x, c);
            }
            *to = jr_m0_scale((int32_t)((s.upper << 16) - s.total), &c->scaling, &c->exact);
            if (y + 1u < p->output_h) {
                to[row_bytes] = jr_m0_scale((int32_t)(0u - s.upper), &c->scaling, &c->exact);
            }
            to += step;
            x += p->stride_w;
        }
        output += 2u * row_bytes;
        row += 2u * p->stride_h * c->columns;
    }
}

void jr_depthwise_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const int8_t *image = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    planar c;
    uint32_t n, channel;
    c.p = p;
    lay_out(&c, (uint32_t *)(void *)jr_scratch(args));
    if (p->output_c != p->input_c || c.rows > args->op->scratch_bytes / 4u / c.columns ||
        args->op->scratch_bytes / 4u - c.rows * c.columns < (uint32_t)p->kernel_h * p->kernel_w) {
        jr_depthwise_conv_2d_run_portable(args);
        return;
    }
    c.exact.zero_point = p->output_zero_point;
    c.exact.activation_min = p->activation_min;
    c.exact.activation_max = p->activation_max;
    fill_with_padding(&c);
    for (n = 0; n < p->batch; n++) {
        for (channel = 0; channel < p->input_c; channel++) {
            load_channel(&c, args, channel);
            load_input(&c, image + channel);
            run_channel(&c, output + channel);
        }
        image += (uint32_t)p->input_h * p->input_w * p->input_c;
        output += (uint32_t)p->output_h * p->output_w * p->output_c;
    }
}
