/* CONV_2D, packed or not, and DEPTHWISE_CONV_2D: the same parameters, rows of different lengths. */
#include "check_common.h"
#include "int4.h"
#include "kernels.h"

/* Bounds the positions of a window, so that kernels add them in a jr_position. */
#define MAX_POSITION (UINT32_C(1) << (JR_SIZE_BITS - 2))

static int check_geometry(const jsp_conv_params *p) {
    if (p->batch == 0 || p->input_h == 0 || p->input_w == 0 || p->input_c == 0 ||
        p->output_h == 0 || p->output_w == 0 || p->output_c == 0 || p->kernel_h == 0 ||
        p->kernel_w == 0 || p->groups == 0 || p->stride_h == 0 || p->stride_w == 0 ||
        p->dilation_h == 0 || p->dilation_w == 0 || p->input_c % p->groups != 0 ||
        p->output_c % p->groups != 0) {
        return JSP_E_PLAN_PARAMETER;
    }
    if (jr_product(p->output_h - 1u, p->stride_h) > MAX_POSITION ||
        jr_product(p->output_w - 1u, p->stride_w) > MAX_POSITION ||
        jr_product(p->kernel_h, p->dilation_h) > MAX_POSITION ||
        jr_product(p->kernel_w, p->dilation_w) > MAX_POSITION) {
        return JSP_E_PLAN_PARAMETER;
    }
    if (!jr_is_int8(p->pad_value) || !jr_is_int8(p->output_zero_point) ||
        !jr_is_activation(p->activation_min, p->activation_max)) {
        return JSP_E_PLAN_PARAMETER;
    }
    return JSP_E_OK;
}

static uint32_t volume(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return jr_product(jr_product(a, b), jr_product(c, d));
}

/* `row_elements`: weights of one output channel, before padding to 4. */
static int check_conv(const jr_args *args, uint32_t row_elements) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    int error;
    if (jr_input_bytes(args, 0) != volume(p->batch, p->input_h, p->input_w, p->input_c) ||
        jr_output_bytes(args) != volume(p->batch, p->output_h, p->output_w, p->output_c)) {
        return JSP_E_PLAN_SHAPE;
    }
    if ((p->weights_offset & 7u) != 0) {
        return JSP_E_PLAN_ALIGNMENT;
    }
    error = jr_check_data(args, p->weights_offset,
                          jr_product(p->output_c, jr_row_bytes(args, row_elements)), 1u);
    if (error == JSP_E_OK) {
        error = jr_check_data(args, p->bias_offset, p->output_c, sizeof(int32_t));
    }
    if (error == JSP_E_OK) {
        error = jr_check_scaling(args, p->multipliers_offset, p->shifts_offset, p->output_c);
    }
    return error;
}

/* 1x1, stride 1, no padding: output pixel i needs input pixel i alone. */
static bool is_pointwise(const jsp_conv_params *p) {
    return p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
           p->pad_top == 0 && p->pad_left == 0 && p->groups == 1 && p->output_h == p->input_h &&
           p->output_w == p->input_w && p->output_c <= p->input_c;
}

int jr_conv_2d_check(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    uint32_t row_elements, least_scratch_bytes = 0;
    int error = check_geometry(p);
    if (error == JSP_E_OK) {
        error = jr_check_tensors(args, 1u, is_pointwise(p) ? JR_IN_PLACE : JR_SEPARATE);
    }
    if (error != JSP_E_OK) {
        return error;
    }
    row_elements =
        jr_product(jr_product(p->kernel_h, p->kernel_w), (uint32_t)p->input_c / p->groups);
    if (jr_input(args, 0) == jr_output(args, 0)) {
        least_scratch_bytes = jr_round_up_4(p->input_c); /* a pixel */
    }
    if (jr_has_int4_weights(args)) {
        least_scratch_bytes = jr_sum(least_scratch_bytes, jr_round_up_4(row_elements));
    }
    if (args->op->scratch_bytes < least_scratch_bytes) {
        return JSP_E_PLAN_SCRATCH;
    }
    return check_conv(args, row_elements);
}

/* Each output channel from its input channel alone, and no more pixels out than in. */
static bool is_planar(const jsp_conv_params *p) {
    return p->output_c == p->input_c &&
           jr_product(p->output_h, p->output_w) <= jr_product(p->input_h, p->input_w);
}

int jr_depthwise_conv_2d_check(const jr_args *args) {
    const jsp_conv_params *p = (const jsp_conv_params *)args->params;
    int error = check_geometry(p);
    if (error == JSP_E_OK && p->groups != p->input_c) {
        error = JSP_E_PLAN_PARAMETER;
    }
    if (error == JSP_E_OK) {
        error = jr_check_tensors(args, 1u, is_planar(p) ? JR_IN_PLACE : JR_SEPARATE);
    }
    if (error != JSP_E_OK) {
        return error;
    }
    if (jr_input(args, 0) == jr_output(args, 0) &&
        args->op->scratch_bytes < jr_product(p->input_h, p->input_w)) {
        return JSP_E_PLAN_SCRATCH;
    }
    return check_conv(args, jr_product(p->kernel_h, p->kernel_w));
}
