/*
 * CONV_2D, two output pixels at a time over all channels (pixel_pair.S). The patches of both (what
 * they see of the input) are expanded to 16 bits in scratch, in which they are used for every
 * channel; the weights are read as they are. Works in place, pixels ascending. In scratch:
 *
 *     two patches, interleaved, 4 * row_bytes | a patch of bytes, row_bytes, where input channels
 *     of a group are no multiple of four
 */
#include <string.h>

#include "expand.h"
#include "kernels.h"
#include "pixel_pair.h"
#include "portable.h"
#include "scaling.h"
#include "window.h"

/* Words that a quad of inputs takes of the interleaved patches, and that one patch takes of these.
 */
#define QUAD_WORDS 4u
#define OWN_WORDS  2u

typedef struct convolution {
    const jr_args *args;
    const jsp_conv_params *p;
    uint32_t depth;     /* input channels of a group */
    uint32_t row_bytes; /* of a patch and of a row of weights, padded to 4 */
    uint32_t *patches;  /* scratch */
    int8_t *bytes;      /* scratch, or NULL where patches are expanded from the input itself */
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

/* Where a patch goes: expanded, or as bytes. */
typedef struct cursor {
    uint32_t *halves; /* NULL: bytes */
    int8_t *bytes;
} cursor;

static void put(cursor *to, const int8_t *from, uint32_t count) {
    if (to->halves != NULL) {
        to->halves = jr_m33_expand(to->halves, QUAD_WORDS, from, count / 4u);
    } else {
        memcpy(to->bytes, from, count);
        to->bytes += count;
    }
}

static void put_padding(cursor *to, int8_t value, uint32_t count) {
    if (to->halves != NULL) {
        const uint32_t halves = (uint32_t)(uint16_t)value * UINT32_C(0x00010001);
        for (; count > 0; count -= 4) {
            to->halves[0] = halves;
            to->halves[1] = halves;
            to->halves += QUAD_WORDS;
        }
    } else {
        memset(to->bytes, value, count);
        to->bytes += count;
    }
}

/* Gathers a pixel's patch, from input channel `first_c` on. */
static void gather(const convolution *c, const position *at, uint32_t first_c, cursor *to) {
    const jsp_conv_params *p = c->p;
    const int8_t *image = jr_input(c->args, 0) + at->n * p->input_h * p->input_w * p->input_c;
    const int8_t pad = (int8_t)p->pad_value;
    const int32_t top = (int32_t)(at->y * p->stride_h) - p->pad_top;
    const int32_t left = (int32_t)(at->x * p->stride_w) - p->pad_left;
    const jr_span rows = jr_clip_window(top, p->kernel_h, p->dilation_h, p->input_h);
    const jr_span columns = jr_clip_window(left, p->kernel_w, p->dilation_w, p->input_w);
    const uint32_t step = (uint32_t)p->dilation_w * p->input_c;
    const uint32_t inside = columns.end - columns.begin;
    uint32_t ky, i;
    for (ky = 0; ky < p->kernel_h; ky++) {
        const int8_t *from;
        if (ky < rows.begin || ky >= rows.end || inside == 0) {
            put_padding(to, pad, p->kernel_w * c->depth);
            continue;
        }
        from = image + first_c +
               ((uint32_t)(top + (int32_t)(ky * p->dilation_h)) * p->input_w +
                (uint32_t)(left + (int32_t)(columns.begin * p->dilation_w))) *
                   p->input_c;
        put_padding(to, pad, columns.begin * c->depth);
        if (step == c->depth) {
            put(to, from, inside * c->depth);
        } else {
            for (i = 0; i < inside; i++) {
                put(to, from, c->depth);
                from += step;
            }
        }
        put_padding(to, pad, (p->kernel_w - columns.end) * c->depth);
    }
}

/* Expands the patch of `at` as the pair's first (0) or second (1). */
static void load_patch(const convolution *c, const position *at, uint32_t first_c, uint32_t which) {
    uint32_t *halves = c->patches + which * OWN_WORDS;
    cursor to = {halves, c->bytes};
    if (c->bytes == NULL) {
        gather(c, at, first_c, &to);
        return;
    }
    to.halves = NULL;
    gather(c, at, first_c, &to);
    while (to.bytes < c->bytes + c->row_bytes) {
        *to.bytes++ = 0; /* the row's padding in the plan may be anything */
    }
    jr_m33_expand(halves, QUAD_WORDS, c->bytes, c->row_bytes / 4u);
}

/* Channels `first` to `first` + `count` - 1 of the two pixels whose output is at `output`. */
static void run_channels(const convolution *c, uint32_t first, uint32_t count,
                         int8_t *const output[2]) {
    const jsp_conv_params *p = c->p;
    const uint8_t *plan = c->args->plan;
    jr_m33_pixel_pair pair;
    pair.inputs = c->patches;
    pair.quads = c->row_bytes / 4u;
    pair.weights = (const int8_t *)(plan + p->weights_offset) + first * c->row_bytes;
    pair.row_step = c->row_bytes;
    pair.bias = (const int32_t *)(plan + p->bias_offset) + first;
    pair.multipliers = (const int32_t *)(plan + p->multipliers_offset) + first;
    pair.shifts = (const int8_t *)(plan + p->shifts_offset) + first;
    pair.rounding = jr_m33_rounding(p->output_zero_point);
    pair.output[0] = output[0] + first;
    pair.output[1] = output[1] + first;
    if (count >= 2u) {
        jr_m33_run_pixel_pair(&pair, count / 2u);
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
        jr_m33_run_pixel_pair(&pair, 1);
        *last[0] = results[0][0];
        *last[1] = results[1][0];
    }
}

static void run(const convolution *c) {
    const jsp_conv_params *p = c->p;
    const uint32_t group_outputs = (uint32_t)p->output_c / p->groups;
    uint32_t left = (uint32_t)p->batch * p->output_h * p->output_w;
    int8_t *output[2];
    position at = {0, 0, 0};
    output[0] = jr_output(c->args, 0);
    while (left > 0) {
        position second = at;
        uint32_t g;
        output[1] = output[0];
        if (left > 1) { /* else the last pixel twice */
            advance(p, &second);
            output[1] += p->output_c;
        }
        for (g = 0; g < p->groups; g++) {
            load_patch(c, &at, g * c->depth, 0);
            load_patch(c, &second, g * c->depth, 1);
            run_channels(c, g * group_outputs, group_outputs, output);
        }
        at = second;
        advance(p, &at);
        left -= left > 1 ? 2u : 1u;
        output[0] = output[1] + p->output_c;
    }
}

void jr_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    uint32_t scratch_bytes;
    convolution c;
    c.args = args;
    c.p = p;
    c.depth = (uint32_t)p->input_c / p->groups;
    c.row_bytes = ((uint32_t)p->kernel_h * p->kernel_w * c.depth + 3u) & ~UINT32_C(3);
    c.patches = (uint32_t *)(void *)jr_scratch(args);
    c.bytes = NULL;
    scratch_bytes = c.row_bytes * 4u;
    if ((c.depth & 3u) != 0) {
        c.bytes = (int8_t *)jr_scratch(args) + scratch_bytes;
        scratch_bytes += c.row_bytes;
    }
    if (args->op->scratch_bytes < scratch_bytes ||
        !jr_m33_can_scale((const int32_t *)(args->plan + p->bias_offset), p->output_c,
                          (const int8_t *)(args->plan + p->shifts_offset), p->output_c,
                          c.row_bytes)) {
        jr_conv_2d_run_portable(args);
        return;
    }
    run(&c);
    jr_m33_clamp(jr_output(args, 0), (uint32_t)p->batch * p->output_h * p->output_w * p->output_c,
                 p->activation_min, p->activation_max);
}
