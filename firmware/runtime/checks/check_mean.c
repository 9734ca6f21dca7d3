#include "check_common.h"
#include "kernels.h"

int jr_mean_check(const jr_args *args) {
    const jsp_mean_params *p = (const jsp_mean_params *)args->params;
    uint32_t kept, reduced;
    int error = jr_check_tensors(args, 1u, JR_SEPARATE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (!jr_is_int8(p->input_zero_point) || !jr_is_int8(p->output_zero_point) ||
        !jr_is_scaling(p->multiplier, p->shift)) {
        return JSP_E_PLAN_PARAMETER;
    }
    kept = jr_elements(p->kept_dims, JSP_MAX_RANK);
    reduced = jr_elements(p->reduced_dims, JSP_MAX_RANK);
    if (kept != jr_output_bytes(args) || jr_product(kept, reduced) != jr_input_bytes(args, 0) ||
        jr_sum(jr_last_element(p->kept_dims, p->kept_strides, JSP_MAX_RANK),
               jr_last_element(p->reduced_dims, p->reduced_strides, JSP_MAX_RANK)) >=
            jr_input_bytes(args, 0)) {
        return JSP_E_PLAN_SHAPE;
    }
    return JSP_E_OK;
}
