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

/* What an op's pixels share, read from the plan once, and the pixel at hand. */
typedef struct convolution {
    const jsp_conv_params *p;
    jr_avr_scaling scaling;
    jr_size depth;             /* input channels of a group */
    jr_size outputs_per_group; /* output channels of a group */
    jr_size input_row;         /* from an input row to the next: dilation is not in it */
    jr_size pixel_bytes;       /* from an input pixel to the next */
    jr_size input_step;        /* from an input pixel under the kernel to the next: dilation is */
    jr_size kernel_row;        /* weights of a kernel row */
    jr_size channel_weights;   /* of an output channel, padded */
    const int8_t *image;
    jr_span rows;                  /* of the kernel that are inside the input */
    const int8_t *row;             /* the input row under the first of them */
    const int8_t *first;           /* the input under the kernel's first weight that is inside */
    jr_size before, inside, after; /* weights of a kernel row, by where they are */
} convolution;

static uint32_t add_padding(uint32_t acc, const convolution *c, const JR_PLAN int8_t *w,
                            jr_size count) {
    const int8_t pad_value = (int8_t)c->p->pad_value;
    for (; count > 0; count--) {
        acc += (uint32_t)(int32_t)(int16_t)((int16_t)pad_value * *w++);
    }
    return acc;
}

/* A kernel row over an input row. */
static uint32_t add_row(uint32_t acc, const convolution *c, const int8_t *x,
                        const JR_PLAN int8_t *w) {
    const jr_size depth = c->depth;
    jr_size count = c->input_step == depth ? c->inside : depth;
    jr_size left;
    acc = add_padding(acc, c, w, c->before);
    w += c->before;
    for (left = c->inside; left > 0; left -= count) {
        acc = jr_avr_dot(acc, x, w, count);
        x += c->input_step;
        w += count;
    }
    return add_padding(acc, c, w, c->after);
}

/* All output channels from `channel` to `end` of the pixel at hand. */
static int8_t *convolve_pixel(const convolution *c, int8_t *output, jr_size channel, jr_size end) {
    const JR_PLAN int8_t *weights = c->scaling.weights + channel * c->channel_weights;
    const int8_t *first = c->first;
    jr_size left = c->outputs_per_group;
    for (; channel < end; channel++) {
        const JR_PLAN int8_t *w = weights;
        const int8_t *x = first;
        uint32_t acc = (uint32_t)c->scaling.bias[channel];
        jr_size ky;
        for (ky = 0; ky < c->p->kernel_h; ky++) {
            if (ky < c->rows.begin || ky >= c->rows.end) {
                acc = add_padding(acc, c, w, c->kernel_row);
            } else {
                acc = add_row(acc, c, x, w);
                x += c->input_row * c->p->dilation_h;
            }
            w += c->kernel_row;
        }
        *output++ = jr_avr_scale(&c->scaling, channel, acc);
        weights += c->channel_weights;
        if (--left == 0) {
            left = c->outputs_per_group;
            first += c->depth;
        }
    }
    return output;
}

static void set_row(convolution *c, jr_size y) {
    const jsp_conv_params *p = c->p;
    const jr_position top = (jr_position)(y * p->stride_h) - p->pad_top;
    c->rows = jr_clip_window(top, p->kernel_h, p->dilation_h, p->input_h);
    c->row = c->image + ((jr_size)top + c->rows.begin * p->dilation_h) * c->input_row;
}

static void set_column(convolution *c, jr_size x) {
    const jsp_conv_params *p = c->p;
    const jr_position left = (jr_position)(x * p->stride_w) - p->pad_left;
    const jr_span columns = jr_clip_window(left, p->kernel_w, p->dilation_w, p->input_w);
    c->first = c->row + ((jr_size)left + columns.begin * p->dilation_w) * c->pixel_bytes;
    c->before = columns.begin * c->depth;
    c->inside = (columns.end - columns.begin) * c->depth;
    c->after = c->kernel_row - c->before - c->inside;
}

static void prepare(convolution *c, const jr_args *args, jr_size pixel_bytes) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    c->p = p;
    jr_avr_set_scaling(&c->scaling, args, &p->output_zero_point, false);
    c->depth = p->input_c / p->groups;
    c->outputs_per_group = p->output_c / p->groups;
    c->pixel_bytes = pixel_bytes;
    c->input_row = p->input_w * pixel_bytes;
    c->input_step = p->dilation_w * pixel_bytes;
    c->kernel_row = p->kernel_w * c->depth;
    c->channel_weights = (p->kernel_h * c->kernel_row + 3u) & ~(jr_size)3;
}

/* Output channels `channel` to `end` at every position of an image; `skip` is what lies between. */
static void convolve_image(convolution *c, int8_t *output, jr_size channel, jr_size end,
                           jr_size skip) {
    jr_size y, x;
    for (y = 0; y < c->p->output_h; y++) {
        set_row(c, y);
        for (x = 0; x < c->p->output_w; x++) {
            set_column(c, x);
            output = convolve_pixel(c, output, channel, end) + skip;
        }
    }
}

/*
 * An image of 1x1, stride 1: an output pixel over its own input pixel, or over one that was read
 * before.
 */
static void convolve_in_place(convolution *c, int8_t *pixel, int8_t *output) {
    const jr_size input_c = c->p->input_c;
    const int8_t *input = c->image;
    jr_size left = c->p->input_h * c->p->input_w;
    c->image = pixel;
    set_row(c, 0);
    set_column(c, 0);
    for (; left > 0; left--) {
        memcpy(pixel, input, input_c);
        output = convolve_pixel(c, output, 0, c->p->output_c);
        input += input_c;
    }
}

/* Writes over channel `channel` of output pixels only what was copied from it before. */
static void convolve_planes(convolution *c, int8_t *plane, int8_t *output) {
    const jsp_conv_params *p = c->p;
    const jr_size pixels = p->input_h * p->input_w;
    const int8_t *image = c->image;
    jr_size channel, i;
    c->image = plane;
    for (channel = 0; channel < p->input_c; channel++) {
        const int8_t *from = image++;
        for (i = 0; i < pixels; i++) {
            plane[i] = *from;
            from += p->input_c;
        }
        convolve_image(c, output++, channel, channel + 1u, p->output_c - 1u);
    }
}

void jr_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    int8_t *scratch = (int8_t *)jr_scratch(args);
    const bool in_place = input == output;
    const bool planes = in_place && args->op->kind == JSP_OP_DEPTHWISE_CONV_2D;
    convolution c;
    jr_size n;
    prepare(&c, args, planes ? 1u : p->input_c);
    for (n = 0; n < p->batch; n++) {
        c.image = input;
        if (planes) {
            convolve_planes(&c, scratch, output);
        } else if (in_place) {
            convolve_in_place(&c, scratch, output);
        } else {
            convolve_image(&c, output, 0, p->output_c, 0);
        }
        input += p->input_h * p->input_w * p->input_c;
        output += p->output_h * p->output_w * p->output_c;
    }
}

void jr_depthwise_conv_2d_run(const jr_args *args) {
    jr_conv_2d_run(args);
}
