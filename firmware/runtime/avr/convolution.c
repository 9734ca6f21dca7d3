/*
 * CONV_2D and DEPTHWISE_CONV_2D: one kernel, for flash is scarce. A depthwise convolution is one
 * with as many groups as input channels. What a kernel row has inside the input is
 * contiguous where there is neither dilation nor more than one group: one dot product.
 */
#include <stddef.h>
#include <string.h>

#include "dot_product.h"
#include "kernels.h"
#include "scaling.h"
#include "window.h"

/*
 * What an op's pixels share and the pixel at hand, in place of its parameters: the run has copied
 * them for this op alone, and stack is scarce.
 */
typedef struct convolution {
    uint8_t params[offsetof(jsp_conv_params, output_zero_point)]; /* params_of() */
    jr_avr_scaling scaling;
    /* What is read most is within the 64 bytes that instructions reach. */
    jr_size above, rows, below;    /* kernel rows inside the input; weights over and under them */
    jr_size kernel_row;            /* weights of a kernel row */
    jr_size before, inside, after; /* weights of a kernel row, by where they are */
    jr_size row_step;              /* from an input row under the kernel to the next */
    jr_size input_step;            /* from an input pixel under the kernel to the next */
    jr_size depth;                 /* input channels of a group */
    jr_size outputs_per_group;     /* output channels of a group */
    jr_size channel_weights;       /* of an output channel, padded */
    jr_size input_row;             /* from an input row to the next: no dilation is in it */
    jr_size pixel_bytes;           /* from an input pixel to the next */
    const int8_t *image;
    const int8_t *row;   /* the input row under the first of the kernel's that are inside */
    const int8_t *first; /* the input under the kernel's first weight that is inside */
    int8_t *output;      /* of the pixel and the channel at hand */
    jr_size begin, end;  /* the output channels to compute */
    jr_size skip;        /* from the last of them to the first of the next pixel */
} convolution;

typedef char convolution_fits_the_room[sizeof(convolution) <= sizeof(jr_params) ? 1 : -1];

/* Those up to pad_value are still there. */
static const jsp_conv_params *params_of(const convolution *c) {
    return (const jsp_conv_params *)c;
}

/* The sum of products of weights and padding. */
static uint32_t __attribute__((noinline))
padding_sum(const convolution *c, const JR_PLAN int8_t *w, jr_size count) {
    int32_t sum = 0;
    for (; count > 0; count--) {
        sum += *w++;
    }
    return (uint32_t)(sum * (int8_t)params_of(c)->pad_value);
}

/* The kernel over what is under it. Inlined it would spill registers onto the stack. */
static uint32_t __attribute__((noinline))
add_window(uint32_t acc, const convolution *c, const int8_t *row, const JR_PLAN int8_t *w) {
    jr_size rows, left;
    if (c->above > 0) {
        acc += padding_sum(c, w, c->above);
        w += c->above;
    }
    for (rows = c->rows; rows > 0; rows--) {
        const jr_size count = c->input_step == c->depth ? c->inside : c->depth;
        const int8_t *x = row;
        if (c->before > 0) {
            acc += padding_sum(c, w, c->before);
            w += c->before;
        }
        for (left = c->inside; left > 0; left -= count) {
            acc = jr_avr_dot(acc, x, w, count);
            x += c->input_step;
            w += count;
        }
        if (c->after > 0) {
            acc += padding_sum(c, w, c->after);
            w += c->after;
        }
        row += c->row_step;
    }
    return acc + padding_sum(c, w, c->below);
}

/* The output channels to compute of the pixel at hand. */
static void convolve_pixel(convolution *c) {
    jr_size channel = c->begin;
    const JR_PLAN int8_t *w = c->scaling.weights + channel * c->channel_weights;
    const int8_t *x = c->first;
    jr_size left = c->outputs_per_group;
    for (; channel < c->end; channel++) {
        const uint32_t acc = add_window((uint32_t)c->scaling.bias[channel], c, x, w);
        *c->output++ = jr_avr_scale(&c->scaling, channel, acc);
        w += c->channel_weights;
        if (--left == 0) {
            left = c->outputs_per_group;
            x += c->depth;
        }
    }
    c->output += c->skip;
}

static void set_row(convolution *c, jr_size y) {
    const jsp_conv_params *p = params_of(c);
    const jr_position top = (jr_position)(y * p->stride_h) - p->pad_top;
    const jr_span rows = jr_clip_window(top, p->kernel_h, p->dilation_h, p->input_h);
    c->above = rows.begin * c->kernel_row;
    c->rows = rows.end - rows.begin;
    c->below = (p->kernel_h - rows.end) * c->kernel_row;
    c->row = c->image + ((jr_size)top + rows.begin * p->dilation_h) * c->input_row;
}

static void set_column(convolution *c, jr_size x) {
    const jsp_conv_params *p = params_of(c);
    const jr_position left = (jr_position)(x * p->stride_w) - p->pad_left;
    const jr_span columns = jr_clip_window(left, p->kernel_w, p->dilation_w, p->input_w);
    c->first = c->row + ((jr_size)left + columns.begin * p->dilation_w) * c->pixel_bytes;
    c->before = columns.begin * c->depth;
    c->inside = (columns.end - columns.begin) * c->depth;
    c->after = c->kernel_row - c->before - c->inside;
}

/* Turns the op's parameters into a convolution, where they are. */
static convolution *prepare(const jr_args *args, jr_size pixel_bytes) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    convolution *c = (convolution *)args->params;
    jr_avr_set_scaling(&c->scaling, args, &p->output_zero_point, false);
    c->depth = p->input_c / p->groups;
    c->outputs_per_group = p->output_c / p->groups;
    c->pixel_bytes = pixel_bytes;
    c->input_row = p->input_w * pixel_bytes;
    c->row_step = p->dilation_h * c->input_row;
    c->input_step = p->dilation_w * pixel_bytes;
    c->kernel_row = p->kernel_w * c->depth;
    c->channel_weights = (p->kernel_h * c->kernel_row + 3u) & ~(jr_size)3;
    c->image = jr_input(args, 0);
    c->output = jr_output(args, 0);
    c->begin = 0;
    c->end = p->output_c;
    c->skip = 0;
    return c;
}

/* Every position of an image. */
static void convolve_image(convolution *c) {
    jr_size y, x;
    for (y = 0; y < params_of(c)->output_h; y++) {
        set_row(c, y);
        for (x = 0; x < params_of(c)->output_w; x++) {
            set_column(c, x);
            convolve_pixel(c);
        }
    }
}

/*
 * An image of 1x1, stride 1: an output pixel over its own input pixel, or over one that was read
 * before.
 */
static void convolve_in_place(convolution *c, int8_t *pixel) {
    const jr_size input_c = params_of(c)->input_c;
    const int8_t *input = c->image;
    jr_size left = params_of(c)->input_h * params_of(c)->input_w;
    c->image = pixel;
    set_row(c, 0);
    set_column(c, 0);
    for (; left > 0; left--) {
        memcpy(pixel, input, input_c);
        convolve_pixel(c);
        input += input_c;
    }
}

/* Writes over a channel of output pixels only what was copied from it before. */
static void convolve_planes(convolution *c, int8_t *plane) {
    const jsp_conv_params *p = params_of(c);
    const int8_t *image = c->image;
    int8_t *output = c->output;
    c->image = plane;
    c->skip = p->output_c - 1u;
    for (c->begin = 0; c->begin < p->input_c; c->begin++) {
        const int8_t *from = image++;
        int8_t *to = plane;
        jr_size left = p->input_h * p->input_w;
        for (; left > 0; left--) {
            *to++ = *from;
            from += p->input_c;
        }
        c->output = output++;
        c->end = c->begin + 1u;
        convolve_image(c);
    }
    c->output -= p->output_c - 1u; /* the last channel's: behind the image */
}

void jr_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const bool in_place = jr_input(args, 0) == jr_output(args, 0);
    const bool planes = in_place && args->op->kind == JSP_OP_DEPTHWISE_CONV_2D;
    int8_t *scratch = (int8_t *)jr_scratch(args);
    convolution *c = prepare(args, planes ? 1u : p->input_c);
    jr_size left;
    for (left = p->batch; left > 0; left--) {
        const int8_t *image = c->image;
        if (planes) {
            convolve_planes(c, scratch);
        } else if (in_place) {
            convolve_in_place(c, scratch);
        } else {
            convolve_image(c);
        }
        c->image = image + params_of(c)->input_h * params_of(c)->input_w * params_of(c)->input_c;
    }
}

void jr_depthwise_conv_2d_run(const jr_args *args) {
    jr_conv_2d_run(args);
}
