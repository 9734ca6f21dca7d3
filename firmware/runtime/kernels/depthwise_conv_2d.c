/*
 * DEPTHWISE_CONV_2D: any multiplier; weights are channel-major rows. With multiplier 1 it
 * works in place: channel by channel, from a copy of that channel's input in scratch.
 */
#include <stdbool.h>
#include <stddef.h>

#include "kernels.h"
#include "requantize.h"
#include "window.h"

/* One output position, and where its input is. */
typedef struct pixel {
    const int8_t *image;  /* channel 0 of the first input pixel */
    uint32_t pixel_bytes; /* from an input pixel to the next */
    int32_t y, x;         /* input position of the kernel's first row and column */
    jr_span rows, columns;
} pixel;

static uint32_t convolve(const jsp_conv_params *p, const pixel *at, const JR_PLAN int8_t *w,
                         uint32_t channel, uint32_t acc) {
    const uint32_t step = p->dilation_w * at->pixel_bytes;
    const uint32_t row_step = (uint32_t)p->dilation_h * p->input_w * at->pixel_bytes;
    const int8_t *row;
    uint32_t padding = 0;
    uint32_t ky, kx;
    if (at->rows.begin == at->rows.end || at->columns.begin == at->columns.end) {
        row = NULL; /* the window lies outside altogether */
    } else {
        const uint32_t y = (uint32_t)(at->y + (int32_t)(at->rows.begin * p->dilation_h));
        const uint32_t x = (uint32_t)(at->x + (int32_t)(at->columns.begin * p->dilation_w));
        row = at->image + (y * p->input_w + x) * at->pixel_bytes + channel;
    }
    for (ky = 0; ky < p->kernel_h; ky++) {
        const int8_t *x = row;
        if (row == NULL || ky < at->rows.begin || ky >= at->rows.end) {
            for (kx = 0; kx < p->kernel_w; kx++) {
                padding += (uint32_t)(int32_t)*w++;
            }
            continue;
        }
        for (kx = 0; kx < at->columns.begin; kx++) {
            padding += (uint32_t)(int32_t)*w++;
        }
        for (; kx < at->columns.end; kx++) {
            acc += (uint32_t)((int32_t)*x * *w++);
            x += step;
        }
        for (; kx < p->kernel_w; kx++) {
            padding += (uint32_t)(int32_t)*w++;
        }
        row += row_step;
    }
    return acc + padding * (uint32_t)p->pad_value;
}

static uint32_t row_bytes(const jsp_conv_params *p) {
    return ((uint32_t)p->kernel_h * p->kernel_w + 3u) & ~UINT32_C(3);
}

/* Output channel `channel`, whose input is input_channel of at->image. */
static int8_t output_value(const jr_args *args, const pixel *at, uint32_t channel,
                           uint32_t input_channel) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const JR_PLAN int8_t *w =
        (const JR_PLAN int8_t *)(args->plan + p->weights_offset) + channel * row_bytes(p);
    const JR_PLAN int32_t *bias = (const JR_PLAN int32_t *)(args->plan + p->bias_offset);
    const JR_PLAN int32_t *multipliers =
        (const JR_PLAN int32_t *)(args->plan + p->multipliers_offset);
    const JR_PLAN int8_t *shifts = (const JR_PLAN int8_t *)(args->plan + p->shifts_offset);
    const int32_t acc = (int32_t)convolve(p, at, w, input_channel, (uint32_t)bias[channel]);
    return jr_to_int8(jr_requantize(acc, multipliers[channel], shifts[channel]),
                      p->output_zero_point, p->activation_min, p->activation_max);
}

static void set_row(pixel *at, const jsp_conv_params *p, uint32_t y) {
    at->y = (int32_t)(y * p->stride_h) - p->pad_top;
    at->rows = jr_clip_window(at->y, p->kernel_h, p->dilation_h, p->input_h);
}

static void set_column(pixel *at, const jsp_conv_params *p, uint32_t x) {
    at->x = (int32_t)(x * p->stride_w) - p->pad_left;
    at->columns = jr_clip_window(at->x, p->kernel_w, p->dilation_w, p->input_w);
}

static void run_image(const jr_args *args, pixel *at, int8_t *output) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const uint32_t multiplicity = (uint32_t)p->output_c / p->input_c;
    uint32_t y, x, c, i;
    for (y = 0; y < p->output_h; y++) {
        set_row(at, p, y);
        for (x = 0; x < p->output_w; x++) {
            set_column(at, p, x);
            for (c = 0; c < p->input_c; c++) {
                for (i = 0; i < multiplicity; i++) {
                    *output++ = output_value(args, at, c * multiplicity + i, c);
                }
            }
        }
    }
}

/* Writes over channel c of output pixels only what was copied from it before. */
static void run_image_in_place(const jr_args *args, pixel *at, int8_t *output) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const uint32_t input_pixels = (uint32_t)p->input_h * p->input_w;
    const int8_t *image = at->image;
    int8_t *plane = (int8_t *)jr_scratch(args);
    uint32_t y, x, c, i;
    at->image = plane;
    at->pixel_bytes = 1;
    for (c = 0; c < p->input_c; c++) {
        int8_t *to = output + c;
        for (i = 0; i < input_pixels; i++) {
            plane[i] = image[i * p->input_c + c];
        }
        for (y = 0; y < p->output_h; y++) {
            set_row(at, p, y);
            for (x = 0; x < p->output_w; x++) {
                set_column(at, p, x);
                *to = output_value(args, at, c, 0);
                to += p->output_c;
            }
        }
    }
}

void jr_depthwise_conv_2d_run(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    const int8_t *image = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    const bool in_place = image == output;
    uint32_t n;
    for (n = 0; n < p->batch; n++) {
        pixel at = {0};
        at.image = image;
        at.pixel_bytes = p->input_c;
        if (in_place) {
            run_image_in_place(args, &at, output);
        } else {
            run_image(args, &at, output);
        }
        image += (uint32_t)p->input_h * p->input_w * p->input_c;
        output += (uint32_t)p->output_h * p->output_w * p->output_c;
    }
}
