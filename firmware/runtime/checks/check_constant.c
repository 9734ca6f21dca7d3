#include "check_common.h"
#include "kernels.h"

int jr_constant_check(const jr_args *args) {
    const jsp_constant_params *p = (const jsp_constant_params *)args->params;
    int error = jr_check_tensors(args, 0u, JR_SEPARATE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (p->size_bytes != jr_output_bytes(args)) {
        return JSP_E_PLAN_SHAPE;
    }
    return jr_check_data(args, p->data_offset, p->size_bytes, 1u);
}
