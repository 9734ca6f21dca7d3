/*
 * DEPTHWISE_CONV_2D with multiplier 1, two channels at a time. Their input is spread out in scratch
 * with its padding, two rows and both channels in a word: even and odd bytes (SXTB16) are one
 * channel each, as halves of two rows, which SMLAD multiplies by two rows of the kernel. Works in
 * place, because nothing of a channel is read once it is spread out. In scratch, a word each:
 *
 *     pairs of input rows, padding included | weights of a channel
 */
#include <stdbool.h>

#include "depthwise_3x3.h"
#include "dsp.h"
#include "kernels.h"
#include "portable/portable.h"
#include "scaling.h"
#include "window.h"

#define CHANNELS 2u

typedef struct plane {
    const jsp_conv_params *p;
    uint32_t *words;
    uint32_t row_pairs, columns;       /* of words */
    jr_span input_rows, input_columns; /* of the plane: the others are padding */
    uint32_t first_input_row, first_input_column;
    uint32_t *weights[2];  /* for output rows that begin with the lower, the upper half */
    uint32_t kernel_pairs; /* pairs of rows that an output row sees */
} plane;

/* One output channel. */
typedef struct channel {
    int32_t bias, multiplier, shift, rounding;
    int8_t *output;
} channel;

/* Which of `count` padded rows or columns are input, beginning with `*first_input`. */
static jr_span inside(int32_t padding, uint32_t input, uint32_t count, uint32_t *first_input) {
    const int32_t end = padding + (int32_t)input;
    jr_span span;
    *first_input = padding < 0 ? (uint32_t)-padding : 0u;
    span.begin = padding > 0 ? (uint32_t)padding : 0u;
    span.end = end < 0 ? 0u : (uint32_t)end < count ? (uint32_t)end : count;
    if (span.begin > span.end) {
        span.begin = span.end;
    }
    return span;
}

static void lay_out(plane *c, const jsp_conv_params *p, uint32_t *scratch) {
    c->p = p;
    c->kernel_pairs = p->kernel_h / 2u + 1u;
    c->row_pairs = (p->output_h - 1u) * p->stride_h / 2u + c->kernel_pairs;
    c->columns = (p->output_w - 1u) * p->stride_w + (p->kernel_w - 1u) * p->dilation_w + 1u;
    c->words = scratch;
    c->weights[0] = scratch + c->row_pairs * c->columns;
    c->weights[1] = c->weights[0] + c->kernel_pairs * p->kernel_w;
    c->input_rows = inside(p->pad_top, p->input_h, 2u * c->row_pairs, &c->first_input_row);
    c->input_columns = inside(p->pad_left, p->input_w, c->columns, &c->first_input_column);
}

/* Padding is the same for every channel: what load_input() leaves alone is written once. */
static void fill_with_padding(plane *c) {
    const uint32_t padding = (uint32_t)(uint8_t)c->p->pad_value * UINT32_C(0x01010101);
    const uint32_t count = c->row_pairs * c->columns;
    uint32_t i;
    for (i = 0; i < count; i++) {
        c->words[i] = padding;
    }
}

/* `input`: the first of the channels, `count` of them, in the first pixel of the image. */
static void load_input(const plane *c, const int8_t *input, uint32_t count) {
    const uint32_t step = c->p->input_c;
    const uint32_t row_step = c->p->input_w * step;
    const uint32_t row_bytes = (c->input_columns.end - c->input_columns.begin) * step;
    const int8_t *row = input + c->first_input_row * row_step + c->first_input_column * step;
    uint32_t r;
    for (r = c->input_rows.begin; r < c->input_rows.end; r++) {
        int8_t *to = (int8_t *)(c->words + r / 2u * c->columns + c->input_columns.begin) +
                     (r & 1u) * CHANNELS;
        const int8_t *const end = row + row_bytes;
        const int8_t *from;
        if (count == CHANNELS) {
            for (from = row; from != end; from += step) {
                __builtin_memcpy(to, from, CHANNELS);
                to += sizeof *c->words;
            }
        } else {
            for (from = row; from != end; from += step) {
                *to = *from;
                to += sizeof *c->words;
            }
        }
        row += row_step;
    }
}

static inline uint32_t halves(int32_t lower, int32_t upper) {
    return (uint32_t)(uint16_t)lower | (uint32_t)upper << 16;
}

/* Of kernel row `ky`; rows beyond the kernel's are 0. */
static int32_t weight(const jsp_conv_params *p, const int8_t *weights, uint32_t ky, uint32_t kx) {
    return ky < p->kernel_h ? weights[ky * p->kernel_w + kx] : 0;
}

static void load_weights(const plane *c, const int8_t *weights) {
    const jsp_conv_params *p = c->p;
    uint32_t i = 0;
    uint32_t j, kx;
    for (j = 0; j < c->kernel_pairs; j++) {
        for (kx = 0; kx < p->kernel_w; kx++) {
            const uint32_t ky = 2u * j;
            const int32_t before = j > 0 ? weight(p, weights, ky - 1u, kx) : 0;
            const int32_t at = weight(p, weights, ky, kx);
            c->weights[0][i] = halves(at, weight(p, weights, ky + 1u, kx));
            c->weights[1][i] = halves(before, at);
            i++;
        }
    }
}

static inline uint32_t halves_of(uint32_t word, bool odd) {
    return odd ? jr_m33_odd_bytes(word) : jr_m33_even_bytes(word);
}

/* Any kernel and stride, an output at a time. */
static inline void run_any(const plane *c, const channel *to, bool odd) {
    const jsp_conv_params *p = c->p;
    const channel own = *to;
    const uint32_t kernel_pairs = c->kernel_pairs, columns = c->columns;
    const uint32_t kernel_w = p->kernel_w, dilation_w = p->dilation_w;
    const uint32_t output_w = p->output_w, output_c = p->output_c, stride_w = p->stride_w;
    int8_t *output = own.output;
    uint32_t y, x, j, kx;
    for (y = 0; y < p->output_h; y++) {
        const uint32_t top = y * p->stride_h;
        const uint32_t *const weights = c->weights[top & 1u];
        const uint32_t *window = c->words + top / 2u * columns;
        for (x = 0; x < output_w; x++) {
            const uint32_t *row = window;
            const uint32_t *w = weights;
            int32_t sum = own.bias;
            for (j = 0; j < kernel_pairs; j++) {
                const uint32_t *at = row;
                for (kx = 0; kx < kernel_w; kx++) {
                    sum = jr_m33_add_products(sum, halves_of(*at, odd), *w++);
                    at += dilation_w;
                }
                row += columns;
            }
            *output = jr_m33_scale(sum, own.multiplier, own.shift, own.rounding);
            output += output_c;
            window += stride_w;
        }
    }
}

static bool is_3x3(const jsp_conv_params *p) {
    return p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1 && p->stride_h <= 2;
}

/* 3x3 with a vertical stride of 1 (two rows at a time) or 2. */
static void run_3x3(const plane *c, const channel *to, const int8_t *weights, bool odd) {
    const jsp_conv_params *p = c->p;
    const uint32_t row_bytes = (uint32_t)p->output_w * p->output_c;
    void (*const run)(const jr_m33_depthwise_3x3 *) =
        odd ? jr_m33_run_depthwise_3x3_odd : jr_m33_run_depthwise_3x3_even;
    const uint32_t rows = p->stride_h == 1 ? 2u : 1u;
    jr_m33_depthwise_3x3 convolution;
    uint32_t i;
    convolution.bias = to->bias;
    convolution.multiplier = to->multiplier;
    convolution.right = ~to->shift;
    convolution.rounding = to->rounding;
    convolution.row_step = (rows - 1u) * row_bytes;
    convolution.pixel_step = p->output_c;
    convolution.input_step = (uint32_t)sizeof(uint32_t) * p->stride_w;
    convolution.pairs_width =
        p->stride_w == 1 ? convolution.input_step * (p->output_w & ~UINT32_C(1)) : 0u;
    convolution.width = convolution.input_step * p->output_w;
    convolution.pair_step = (uint32_t)sizeof(uint32_t) * c->columns;
    convolution.strip_step = convolution.pair_step;
    convolution.strip_output_step = rows * row_bytes;
    convolution.strips = p->output_h / rows;
    convolution.output = to->output;
    convolution.input = c->words;
    for (i = 0; i < 3; i++) {
        convolution.columns[i].upper = halves(weights[i], weights[3u + i]);
        convolution.columns[i].lower = halves(weights[3u + i], weights[6u + i]);
    }
    if (convolution.strips > 0) {
        run(&convolution);
    }
    if (rows == 2 && (p->output_h & 1u) != 0) {
        convolution.output += convolution.strips * convolution.strip_output_step;
        convolution.input += convolution.strips * c->columns;
        convolution.row_step = 0;
        convolution.strips = 1;
        run(&convolution);
    }
}

static void run_channel(const plane *c, const channel *to, const int8_t *weights, bool odd) {
    if (is_3x3(c->p)) {
        run_3x3(c, to, weights, odd);
        return;
    }
    load_weights(c, weights);
    if (odd) {
        run_any(c, to, true);
    } else {
        run_any(c, to, false);
    }
}

static void run_image(const jr_args *args, const plane *c, const int8_t *image, int8_t *output) {
    const jsp_conv_params *p = c->p;
    const int32_t *bias = (const int32_t *)(args->plan + p->bias_offset);
    const int32_t *multipliers = (const int32_t *)(args->plan + p->multipliers_offset);
    const int8_t *shifts = (const int8_t *)(args->plan + p->shifts_offset);
    const int8_t *weights = (const int8_t *)(args->plan + p->weights_offset);
    const uint32_t row_bytes = ((uint32_t)p->kernel_h * p->kernel_w + 3u) & ~UINT32_C(3);
    uint32_t i;
    for (i = 0; i < p->input_c; i++) {
        const bool odd = (i & 1u) != 0;
        channel to;
        if (!odd) {
            load_input(c, image + i, p->input_c - i < CHANNELS ? p->input_c - i : CHANNELS);
        }
        to.bias = bias[i];
        to.multiplier = multipliers[i];
        to.shift = shifts[i];
        to.rounding = jr_m33_rounding(p->output_zero_point);
        to.output = output + i;
        run_channel(c, &to, weights + i * row_bytes, odd);
    }
}

void jr_depthwise_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const uint32_t scratch_words = args->op->scratch_bytes / 4u;
    const int8_t *image = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    plane c;
    uint32_t n;
    lay_out(&c, p, (uint32_t *)(void *)jr_scratch(args));
    if (p->output_c != p->input_c || p->dilation_h != 1 ||
        c.row_pairs > scratch_words / c.columns ||
        scratch_words - c.row_pairs * c.columns < 2u * c.kernel_pairs * p->kernel_w ||
        !jr_m33_can_scale((const int32_t *)(args->plan + p->bias_offset), p->output_c,
                          (const int8_t *)(args->plan + p->shifts_offset), p->output_c,
                          (uint32_t)p->kernel_h * p->kernel_w)) {
        jr_depthwise_conv_2d_run_portable(args);
        return;
    }
    fill_with_padding(&c);
    for (n = 0; n < p->batch; n++) {
        run_image(args, &c, image, output);
        image += (uint32_t)p->input_h * p->input_w * p->input_c;
        output += (uint32_t)p->output_h * p->output_w * p->output_c;
    }
    jr_m33_clamp(jr_output(args, 0), (uint32_t)p->batch * p->output_h * p->output_w * p->output_c,
                 p->activation_min, p->activation_max);
}
