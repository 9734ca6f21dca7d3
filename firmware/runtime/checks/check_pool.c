#include "check_common.h"
#include "kernels.h"

/* Keeps the sum of a window's elements below 2^30. */
#define MAX_WINDOW (UINT32_C(1) << 23)

/* Every window of this axis holds at least one element of the input. */
static bool windows_meet_input(uint32_t input, uint32_t output, uint32_t window, uint32_t stride,
                               int32_t pad) {
    const uint32_t last_begin = jr_product(output - 1u, stride); /* in the padded input */
    return (int32_t)window > pad && last_begin <= INT32_MAX &&
           (int32_t)last_begin < (int32_t)input + pad;
}

static int check_pool(const jr_args *args) {
    const jsp_pool_params *p = (const jsp_pool_params *)args->params;
    int error = jr_check_tensors(args, 1u, JR_SEPARATE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (p->batch == 0 || p->input_h == 0 || p->input_w == 0 || p->channels == 0 ||
        p->output_h == 0 || p->output_w == 0 || p->window_h == 0 || p->window_w == 0 ||
        p->stride_h == 0 || p->stride_w == 0 || jr_product(p->window_h, p->window_w) > MAX_WINDOW ||
        !jr_is_activation(p->activation_min, p->activation_max) ||
        !windows_meet_input(p->input_h, p->output_h, p->window_h, p->stride_h, p->pad_top) ||
        !windows_meet_input(p->input_w, p->output_w, p->window_w, p->stride_w, p->pad_left)) {
        return JSP_E_PLAN_PARAMETER;
    }
    if (jr_input_bytes(args, 0) !=
            jr_product(jr_product(p->batch, p->channels), jr_product(p->input_h, p->input_w)) ||
        jr_output_bytes(args) !=
            jr_product(jr_product(p->batch, p->channels), jr_product(p->output_h, p->output_w))) {
        return JSP_E_PLAN_SHAPE;
    }
    return JSP_E_OK;
}

int jr_average_pool_2d_check(const jr_args *args) {
    return check_pool(args);
}

int jr_max_pool_2d_check(const jr_args *args) {
    return check_pool(args);
}
