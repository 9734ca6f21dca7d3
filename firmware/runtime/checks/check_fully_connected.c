#include "check_common.h"
#include "kernels.h"

int jr_fully_connected_check(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    int error = jr_check_tensors(args, 1u, JR_SEPARATE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (p->batch == 0 || p->inputs == 0 || p->outputs == 0 ||
        (p->channels != 1u && p->channels != p->outputs) || !jr_is_int8(p->output_zero_point) ||
        !jr_is_activation(p->activation_min, p->activation_max)) {
        return JSP_E_PLAN_PARAMETER;
    }
    if (jr_input_bytes(args, 0) != jr_product(p->batch, p->inputs) ||
        jr_output_bytes(args) != jr_product(p->batch, p->outputs)) {
        return JSP_E_PLAN_SHAPE;
    }
    if ((p->weights_offset & 7u) != 0) {
        return JSP_E_PLAN_ALIGNMENT;
    }
    error = jr_check_data(args, p->weights_offset,
                          jr_product(p->outputs, jr_row_bytes(args, p->inputs)), 1u);
    if (error == JSP_E_OK) {
        error = jr_check_data(args, p->bias_offset, p->outputs, sizeof(int32_t));
    }
    if (error == JSP_E_OK) {
        error = jr_check_scaling(args, p->multipliers_offset, p->shifts_offset, p->channels);
    }
    return error;
}
