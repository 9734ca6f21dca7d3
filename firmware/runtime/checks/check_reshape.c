#include "check_common.h"
#include "kernels.h"

int jr_reshape_check(const jr_args *args) {
    const jsp_reshape_params *p = (const jsp_reshape_params *)args->params;
    int error = jr_check_tensors(args, 1u, JR_IN_PLACE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (p->size_bytes != jr_input_bytes(args, 0) || p->size_bytes != jr_output_bytes(args)) {
        return JSP_E_PLAN_SHAPE;
    }
    return JSP_E_OK;
}
