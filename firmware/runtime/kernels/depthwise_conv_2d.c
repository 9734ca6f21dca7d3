/* DEPTHWISE_CONV_2D: any multiplier; weights are channel-major rows. */
#include <stddef.h>

#include "kernels.h"
#include "requantize.h"
#include "window.h"

typedef struct pixel {
    const int8_t *image;
    int32_t y, x; /* input position of the kernel's first row and column */
    jr_span rows, columns;
} pixel;

static uint32_t convolve(const JR_PLAN jsp_conv_params *p, const pixel *at, const JR_PLAN int8_t *w,
                         uint32_t channel, uint32_t acc) {
    const uint32_t step = (uint32_t)p->dilation_w * p->input_c;
    const uint32_t row_step = (uint32_t)p->dilation_h * p->input_w * p->input_c;
    const int8_t *row;
    uint32_t padding = 0;
    uint32_t ky, kx;
    if (at->rows.begin == at->rows.end || at->columns.begin == at->columns.end) {
        row = NULL; /* the window lies outside altogether */
    } else {
        const uint32_t y = (uint32_t)(at->y + (int32_t)(at->rows.begin * p->dilation_h));
        const uint32_t x = (uint32_t)(at->x + (int32_t)(at->columns.begin * p->dilation_w));
        row = at->image + (y * p->input_w + x) * p->input_c + channel;
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

static void convolve_pixel(const jr_args *args, const pixel *at, int8_t *output) {
    const JR_PLAN jsp_conv_params *p = (const JR_PLAN jsp_conv_params *)args->params;
    const JR_PLAN int8_t *w = (const JR_PLAN int8_t *)(args->plan + p->weights_offset);
    const JR_PLAN int32_t *bias = (const JR_PLAN int32_t *)(args->plan + p->bias_offset);
    const JR_PLAN int32_t *multipliers =
        (const JR_PLAN int32_t *)(args->plan + p->multipliers_offset);
    const JR_PLAN int8_t *shifts = (const JR_PLAN int8_t *)(args->plan + p->shifts_offset);
    const uint32_t row_bytes = ((uint32_t)p->kernel_h * p->kernel_w + 3u) & ~UINT32_C(3);
    const uint32_t multiplicity = (uint32_t)p->output_c / p->input_c;
    uint32_t c, i;
    for (c = 0; c < p->input_c; c++) {
        for (i = 0; i < multiplicity; i++) {
            const int32_t acc = (int32_t)convolve(p, at, w, c, (uint32_t)*bias++);
            *output++ = jr_to_int8(jr_requantize(acc, *multipliers++, *shifts++),
                                   p->output_zero_point, p->activation_min, p->activation_max);
            w += row_bytes;
        }
    }
}

void jr_depthwise_conv_2d_run(const jr_args *args) {
    const JR_PLAN jsp_conv_params *p = (const JR_PLAN jsp_conv_params *)args->params;
    int8_t *output = jr_output(args, 0);
    uint32_t n, y, x;
    pixel at;
    at.image = jr_input(args, 0);
    for (n = 0; n < p->batch; n++) {
        for (y = 0; y < p->output_h; y++) {
            at.y = (int32_t)(y * p->stride_h) - p->pad_top;
            at.rows = jr_clip_window(at.y, p->kernel_h, p->dilation_h, p->input_h);
            for (x = 0; x < p->output_w; x++) {
                at.x = (int32_t)(x * p->stride_w) - p->pad_left;
                at.columns = jr_clip_window(at.x, p->kernel_w, p->dilation_w, p->input_w);
                convolve_pixel(args, &at, output);
                output += p->output_c;
            }
        }
        at.image += (uint32_t)p->input_h * p->input_w * p->input_c;
    }
}
