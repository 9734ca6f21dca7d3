#include "check_common.h"
#include "kernels.h"

/* The kernel's arithmetic is exact for TensorFlow Lite's constant alone. */
#define ADD_LEFT_SHIFT 20

static bool is_offset(int32_t minus_zero_point) {
    return minus_zero_point >= -INT8_MAX && minus_zero_point <= -INT8_MIN;
}

static int check_elementwise(const jr_args *args) {
    const jsp_elementwise_params *p = (const jsp_elementwise_params *)args->params;
    uint32_t elements;
    int error = jr_check_tensors(args, 2u, JR_IN_PLACE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (!is_offset(p->input1_offset) || !is_offset(p->input2_offset) ||
        !jr_is_int8(p->output_offset) || !jr_is_scaling(p->output_multiplier, p->output_shift) ||
        !jr_is_activation(p->activation_min, p->activation_max)) {
        return JSP_E_PLAN_PARAMETER;
    }
    elements = jr_elements(p->dims, 4u);
    if (elements == 0 || elements != jr_output_bytes(args) ||
        jr_last_element(p->dims, p->input1_strides, 4u) >= jr_input_bytes(args, 0) ||
        jr_last_element(p->dims, p->input2_strides, 4u) >= jr_input_bytes(args, 1)) {
        return JSP_E_PLAN_SHAPE;
    }
    return JSP_E_OK;
}

int jr_add_check(const jr_args *args) {
    const jsp_elementwise_params *p = (const jsp_elementwise_params *)args->params;
    if (p->left_shift != ADD_LEFT_SHIFT || !jr_is_scaling(p->input1_multiplier, p->input1_shift) ||
        !jr_is_scaling(p->input2_multiplier, p->input2_shift) || p->input1_shift > 0 ||
        p->input2_shift > 0 || p->output_shift > 0) {
        return JSP_E_PLAN_PARAMETER;
    }
    return check_elementwise(args);
}

int jr_mul_check(const jr_args *args) {
    return check_elementwise(args);
}
