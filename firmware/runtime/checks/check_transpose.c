#include "check_common.h"
#include "kernels.h"

int jr_transpose_check(const jr_args *args) {
    const jsp_transpose_params *p = (const jsp_transpose_params *)args->params;
    int error = jr_check_tensors(args, 1u, JR_SEPARATE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (jr_input_bytes(args, 0) != jr_output_bytes(args) ||
        jr_elements(p->dims, JSP_MAX_RANK) != jr_output_bytes(args) ||
        jr_last_element(p->dims, p->input_strides, JSP_MAX_RANK) >= jr_input_bytes(args, 0)) {
        return JSP_E_PLAN_SHAPE;
    }
    return JSP_E_OK;
}
