/*
 * CONV_2D: groups, dilation, any stride and padding. The bias holds the input zero
 * point's part for every kernel position, so padding counts as pad_value.
 * Packed weights are unpacked into scratch, as many channels at a time as it has room for. In
 * scratch:
 *
 *     in place, a pixel of the input, padded to 4 | rows of weights, if packed
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "int4.h"
#include "kernels.h"
#include "requantize.h"
#include "window.h"

/* One output pixel's view of the input. */
typedef struct pixel {
    const int8_t *image; /* of the batch; NULL: `packed` holds the one pixel */
    const int8_t *packed;
    int32_t y, x; /* input position of the kernel's first row and column */
    jr_span rows, columns;
} pixel;

/* Output channels whose weights are at hand. */
typedef struct channels {
    const JR_PLAN int8_t *weights; /* of the first of them; NULL: none are */
    uint32_t first, end;
    int8_t *unpacked; /* scratch, `room` rows of it; NULL: the plan's rows are used as they are */
    uint32_t room;
} channels;

static uint32_t dot(uint32_t acc, const int8_t *x, const JR_PLAN int8_t *w, uint32_t count) {
    for (; count > 0; count--) {
        acc += (uint32_t)((int32_t)*x++ * *w++);
    }
    return acc;
}

static uint32_t weight_sum(const JR_PLAN int8_t *w, uint32_t count) {
    uint32_t sum = 0;
    for (; count > 0; count--) {
        sum += (uint32_t)(int32_t)*w++;
    }
    return sum;
}

/* A kernel row inside the input: padding, input, padding. */
static uint32_t convolve_row(const jsp_conv_params *p, const pixel *at, const int8_t *row,
                             const JR_PLAN int8_t *w, uint32_t acc) {
    const uint32_t depth = (uint32_t)p->input_c / p->groups;
    const uint32_t step = (uint32_t)p->dilation_w * p->input_c;
    const uint32_t inside = at->columns.end - at->columns.begin;
    const JR_PLAN int8_t *w_inside = w + at->columns.begin * depth;
    uint32_t padding = weight_sum(w, at->columns.begin * depth);
    const int8_t *x;
    uint32_t i;
    padding += weight_sum(w + at->columns.end * depth, (p->kernel_w - at->columns.end) * depth);
    acc += padding * (uint32_t)p->pad_value;
    if (inside == 0) {
        return acc;
    }
    x = row + (uint32_t)(at->x + (int32_t)(at->columns.begin * p->dilation_w)) * p->input_c;
    if (step == depth) {
        return dot(acc, x, w_inside, inside * depth);
    }
    for (i = 0; i < inside; i++) {
        acc = dot(acc, x, w_inside, depth);
        x += step;
        w_inside += depth;
    }
    return acc;
}

/* Accumulator of one output channel; `first_c` is its group's first input channel. */
static uint32_t convolve(const jsp_conv_params *p, const pixel *at, const JR_PLAN int8_t *w,
                         uint32_t first_c, uint32_t acc) {
    const uint32_t row_elements = (uint32_t)p->kernel_w * ((uint32_t)p->input_c / p->groups);
    uint32_t ky;
    if (at->packed != NULL) {
        return dot(acc, at->packed, w, p->input_c);
    }
    for (ky = 0; ky < p->kernel_h; ky++) {
        if (ky < at->rows.begin || ky >= at->rows.end) {
            acc += weight_sum(w, row_elements) * (uint32_t)p->pad_value;
        } else {
            const uint32_t y = (uint32_t)(at->y + (int32_t)(ky * p->dilation_h));
            const int8_t *row = at->image + y * p->input_w * p->input_c + first_c;
            acc = convolve_row(p, at, row, w, acc);
        }
        w += row_elements;
    }
    return acc;
}

static uint32_t row_elements(const jsp_conv_params *p) {
    return (uint32_t)p->kernel_h * p->kernel_w * ((uint32_t)p->input_c / p->groups);
}

/* Brings the weights of the channels from `first` on to hand, all or as many as have room. */
static void load_channels(const jr_args *args, uint32_t first, channels *of) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const JR_PLAN uint8_t *rows = args->plan + p->weights_offset;
    const uint32_t packed_bytes = jr_int4_row_bytes(row_elements(p));
    const uint32_t quads = (row_elements(p) + 3u) / 4u;
    uint32_t i;
    if (of->weights != NULL && of->first == first) {
        return;
    }
    of->first = first;
    of->end = p->output_c;
    of->weights = (const JR_PLAN int8_t *)rows;
    if (of->unpacked == NULL) {
        return;
    }
    if (of->end - first > of->room) {
        of->end = first + of->room;
    }
    for (i = first; i < of->end; i++) {
        jr_int4_unpack(of->unpacked + (i - first) * 4u * quads,
                       (const uint32_t *)(const void *)(rows + i * packed_bytes), quads);
    }
    of->weights = of->unpacked;
}

/* The channels at hand of one pixel, whose output is at `output`. */
static void convolve_pixel(const jr_args *args, const pixel *at, const channels *of,
                           int8_t *output) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const JR_PLAN int8_t *w = of->weights;
    const JR_PLAN int32_t *bias = (const JR_PLAN int32_t *)(args->plan + p->bias_offset);
    const JR_PLAN int32_t *multipliers =
        (const JR_PLAN int32_t *)(args->plan + p->multipliers_offset);
    const JR_PLAN int8_t *shifts = (const JR_PLAN int8_t *)(args->plan + p->shifts_offset);
    const uint32_t depth = (uint32_t)p->input_c / p->groups;
    const uint32_t outputs_per_group = (uint32_t)p->output_c / p->groups;
    const uint32_t row_bytes = (row_elements(p) + 3u) & ~UINT32_C(3);
    uint32_t first_c = 0, group_end = outputs_per_group;
    uint32_t i;
    while (group_end <= of->first) {
        first_c += depth;
        group_end += outputs_per_group;
    }
    for (i = of->first; i < of->end; i++) {
        int32_t acc;
        if (i == group_end) {
            first_c += depth;
            group_end += outputs_per_group;
        }
        acc = (int32_t)convolve(p, at, w, first_c, (uint32_t)bias[i]);
        output[i] = jr_to_int8(jr_requantize(acc, multipliers[i], shifts[i]), p->output_zero_point,
                               p->activation_min, p->activation_max);
        w += row_bytes;
    }
}

/* 1x1: an output pixel overwrites its own input pixel, or one read before. */
static void convolve_in_place(const jr_args *args, channels *of) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    uint32_t pixels = (uint32_t)p->batch * p->output_h * p->output_w;
    uint32_t first;
    pixel at;
    at.image = NULL;
    at.packed = (const int8_t *)jr_scratch(args);
    for (; pixels > 0; pixels--) {
        memcpy(jr_scratch(args), input, p->input_c);
        for (first = 0; first < p->output_c; first = of->end) {
            load_channels(args, first, of);
            convolve_pixel(args, &at, of, output);
        }
        input += p->input_c;
        output += p->output_c;
    }
}

static void convolve_apart(const jr_args *args, const channels *of) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    int8_t *output = jr_output(args, 0);
    const uint32_t image_bytes = (uint32_t)p->input_h * p->input_w * p->input_c;
    uint32_t n, y, x;
    pixel at;
    at.packed = NULL;
    at.image = jr_input(args, 0);
    for (n = 0; n < p->batch; n++) {
        for (y = 0; y < p->output_h; y++) {
            at.y = (int32_t)(y * p->stride_h) - p->pad_top;
            at.rows = jr_clip_window(at.y, p->kernel_h, p->dilation_h, p->input_h);
            for (x = 0; x < p->output_w; x++) {
                at.x = (int32_t)(x * p->stride_w) - p->pad_left;
                at.columns = jr_clip_window(at.x, p->kernel_w, p->dilation_w, p->input_w);
                convolve_pixel(args, &at, of, output);
                output += p->output_c;
            }
        }
        at.image += image_bytes;
    }
}

void jr_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const bool in_place = jr_input(args, 0) == jr_output(args, 0);
    channels of = {NULL, 0, 0, NULL, 0};
    uint32_t first;
    if (jr_has_int4_weights(args)) {
        const uint32_t row_bytes = (row_elements(p) + 3u) & ~UINT32_C(3);
        const uint32_t pixel_bytes = in_place ? (p->input_c + 3u) & ~UINT32_C(3) : 0u;
        of.unpacked = (int8_t *)jr_scratch(args) + pixel_bytes;
        of.room = (args->op->scratch_bytes - pixel_bytes) / row_bytes;
    }
    if (in_place) {
        convolve_in_place(args, &of);
        return;
    }
    for (first = 0; first < p->output_c; first = of.end) {
        load_channels(args, first, &of);
        convolve_apart(args, &of);
    }
}
