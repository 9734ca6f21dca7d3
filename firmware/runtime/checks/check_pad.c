#include "check_common.h"
#include "kernels.h"

int jr_pad_check(const jr_args *args) {
    const jsp_pad_params *p = (const jsp_pad_params *)args->params;
    uint32_t output_elements = 1;
    uint32_t i;
    int error = jr_check_tensors(args, 1u, JR_SEPARATE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (!jr_is_int8(p->value)) {
        return JSP_E_PLAN_PARAMETER;
    }
    for (i = 0; i < JSP_MAX_RANK; i++) {
        output_elements =
            jr_product(output_elements, jr_sum(jr_sum(p->dims[i], p->before[i]), p->after[i]));
    }
    /* A tensor is never empty, so equal sizes also rule out dimensions of 0. */
    if (jr_elements(p->dims, JSP_MAX_RANK) != jr_input_bytes(args, 0) ||
        output_elements != jr_output_bytes(args)) {
        return JSP_E_PLAN_SHAPE;
    }
    return JSP_E_OK;
}
