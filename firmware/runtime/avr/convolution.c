/*
 * CONV_2D and DEPTHWISE_CONV_2D: one kernel, for flash is scarce. A depthwise convolution is one
 * with as many groups as input channels. What a kernel row has inside the input is
 * contiguous where there is neither dilation nor more than one group: one dot product.
 */
#include <string.h>

#include "dot_product.h"
#include "kernels.h"
#include "scaling.h"
#include "window.h"

/* What an op's pixels share, read from the plan once. */
typedef struct convolution {
    const jsp_conv_params *p;
    const JR_PLAN int8_t *weights;
    jr_avr_scaling scaling;
    jr_size depth;             /* input channels of a group */
    jr_size outputs_per_group; /* output channels of a group */
    jr_size input_row;         /* from an input row to the next */
    jr_size input_step;        /* from an input pixel under the kernel to the next: dilation */
    jr_size kernel_row;        /* weights of a kernel row */
    jr_size channel_weights;   /* of an output channel, padded */
} convolution;

/* One output position, and where its input is. */
typedef struct pixel {
    const int8_t *image;
    jr_size pixel_bytes; /* from an input pixel to the next */
    jr_position y, x;    /* input position of the kernel's first row and column */
    jr_span rows, columns;
} pixel;

static uint32_t add_padding(uint32_t acc, const convolution *c, const JR_PLAN int8_t *w,
                            jr_size count) {
    const int8_t pad_value = (int8_t)c->p->pad_value;
    for (; count > 0; count--) {
        acc += (uint32_t)(int32_t)(int16_t)((int16_t)pad_value * *w++);
    }
    return acc;
}

/* A kernel row inside the input, of which the columns in `at->columns` are. */
static uint32_t add_row(uint32_t acc, const convolution *c, const pixel *at, const int8_t *x,
                        const JR_PLAN int8_t *w) {
    const jr_size before = at->columns.begin * c->depth;
    jr_size inside = (at->columns.end - at->columns.begin) * c->depth;
    const jr_size after = c->kernel_row - before - inside;
    acc = add_padding(acc, c, w, before);
    w += before;
    if (c->input_step == c->depth) {
        acc = jr_avr_dot(acc, x, w, inside);
        w += inside;
    } else {
        for (; inside > 0; inside -= c->depth) {
            acc = jr_avr_dot(acc, x, w, c->depth);
            x += c->input_step;
            w += c->depth;
        }
    }
    return add_padding(acc, c, w, after);
}

/* Output channel `channel`, from `depth` channels of the input from `first_c` on. */
static int8_t output_value(const convolution *c, const pixel *at, jr_size channel,
                           jr_size first_c) {
    const JR_PLAN int8_t *w = c->weights + channel * c->channel_weights;
    const jr_size y = (jr_size)at->y + at->rows.begin * c->p->dilation_h;
    const jr_size x = (jr_size)at->x + at->columns.begin * c->p->dilation_w;
    const int8_t *row = at->image + y * c->input_row + x * at->pixel_bytes + first_c;
    uint32_t acc = (uint32_t)c->scaling.bias[channel];
    jr_size ky;
    for (ky = 0; ky < c->p->kernel_h; ky++) {
        if (ky < at->rows.begin || ky >= at->rows.end || at->columns.begin == at->columns.end) {
            acc = add_padding(acc, c, w, c->kernel_row);
        } else {
            acc = add_row(acc, c, at, row, w);
            row += c->input_row * c->p->dilation_h;
        }
        w += c->kernel_row;
    }
    return jr_avr_scale(&c->scaling, channel, acc);
}

static void set_row(pixel *at, const jsp_conv_params *p, jr_size y) {
    at->y = (jr_position)(y * p->stride_h) - p->pad_top;
    at->rows = jr_clip_window(at->y, p->kernel_h, p->dilation_h, p->input_h);
}

static void set_column(pixel *at, const jsp_conv_params *p, jr_size x) {
    at->x = (jr_position)(x * p->stride_w) - p->pad_left;
    at->columns = jr_clip_window(at->x, p->kernel_w, p->dilation_w, p->input_w);
}

static void prepare(convolution *c, const jr_args *args, jr_size pixel_bytes) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    c->p = p;
    c->weights = (const JR_PLAN int8_t *)(args->plan + p->weights_offset);
    c->scaling.bias = (const JR_PLAN int32_t *)(args->plan + p->bias_offset);
    c->scaling.multipliers = (const JR_PLAN int32_t *)(args->plan + p->multipliers_offset);
    c->scaling.shifts = (const JR_PLAN int8_t *)(args->plan + p->shifts_offset);
    c->scaling.shared = false;
    c->scaling.zero_point = p->output_zero_point;
    c->scaling.low = p->activation_min;
    c->scaling.high = p->activation_max;
    c->depth = p->input_c / p->groups;
    c->outputs_per_group = p->output_c / p->groups;
    c->input_row = p->input_w * pixel_bytes;
    c->input_step = p->dilation_w * pixel_bytes;
    c->kernel_row = p->kernel_w * c->depth;
    c->channel_weights = (p->kernel_h * c->kernel_row + 3u) & ~(jr_size)3;
}

/* All output channels from `channel` to `end` of one pixel. */
static int8_t *convolve_pixel(const convolution *c, const pixel *at, int8_t *output,
                              jr_size channel, jr_size end) {
    jr_size first_c = 0, left = c->outputs_per_group;
    for (; channel < end; channel++) {
        *output++ = output_value(c, at, channel, first_c);
        if (--left == 0) {
            left = c->outputs_per_group;
            first_c += c->depth;
        }
    }
    return output;
}

/* Output channels `channel` to `end` at every position of an image; `skip` is what lies between. */
static int8_t *convolve_image(const convolution *c, pixel *at, int8_t *output, jr_size channel,
                              jr_size end, jr_size skip) {
    jr_size y, x;
    for (y = 0; y < c->p->output_h; y++) {
        set_row(at, c->p, y);
        for (x = 0; x < c->p->output_w; x++) {
            set_column(at, c->p, x);
            output = convolve_pixel(c, at, output, channel, end) + skip;
        }
    }
    return output;
}

/* 1x1, an output pixel over its own input pixel, or over one that was read before. */
static void convolve_in_place(const jr_args *args, convolution *c, pixel *at) {
    const jr_size input_c = c->p->input_c;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    jr_size left = (jr_size)jr_op_tensor(args, 0)->size_bytes;
    at->image = (const int8_t *)jr_scratch(args);
    set_row(at, c->p, 0);
    set_column(at, c->p, 0);
    for (; left > 0; left -= input_c) {
        memcpy(jr_scratch(args), input, input_c);
        output = convolve_pixel(c, at, output, 0, c->p->output_c);
        input += input_c;
    }
}

void jr_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    int8_t *output = jr_output(args, 0);
    convolution c;
    pixel at;
    jr_size n;
    prepare(&c, args, p->input_c);
    at.image = jr_input(args, 0);
    at.pixel_bytes = p->input_c;
    if (at.image == output) {
        convolve_in_place(args, &c, &at);
        return;
    }
    for (n = 0; n < p->batch; n++) {
        output = convolve_image(&c, &at, output, 0, p->output_c, 0);
        at.image += p->input_h * c.input_row;
    }
}

/* Writes over channel `channel` of output pixels only what was copied from it before. */
static void convolve_planes(const jr_args *args, const convolution *c, pixel *at,
                            const int8_t *image, int8_t *output) {
    const jsp_conv_params *p = c->p;
    const jr_size pixels = p->input_h * p->input_w;
    int8_t *plane = (int8_t *)jr_scratch(args);
    jr_size channel, i;
    at->image = plane;
    for (channel = 0; channel < p->input_c; channel++) {
        const int8_t *from = image + channel;
        for (i = 0; i < pixels; i++) {
            plane[i] = *from;
            from += p->input_c;
        }
        (void)convolve_image(c, at, output + channel, channel, channel + 1u, p->output_c - 1u);
    }
}

void jr_depthwise_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    int8_t *output = jr_output(args, 0);
    const int8_t *image = output;
    convolution c;
    pixel at;
    jr_size n;
    if (jr_input(args, 0) != output) {
        jr_conv_2d_run(args);
        return;
    }
    prepare(&c, args, 1u);
    at.pixel_bytes = 1u;
    for (n = 0; n < p->batch; n++) {
        convolve_planes(args, &c, &at, image, output);
        image += p->input_h * c.input_row * p->input_c;
        output += p->output_h * p->output_w * p->output_c;
    }
}
