#include "check_common.h"
#include "kernels.h"

int jr_concatenation_check(const jr_args *args) {
    const jsp_concatenation_params *p = (const jsp_concatenation_params *)args->params;
    uint32_t total = 0;
    uint32_t i;
    int error;
    if (args->op->input_count == 0) {
        return JSP_E_PLAN_OP_RECORD;
    }
    error = jr_check_tensors(args, args->op->input_count, JR_SEPARATE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (p->outer == 0) {
        return JSP_E_PLAN_PARAMETER;
    }
    for (i = 0; i < args->op->input_count; i++) {
        if (jr_input_bytes(args, i) % p->outer != 0) {
            return JSP_E_PLAN_SHAPE;
        }
        total = jr_sum(total, jr_input_bytes(args, i));
    }
    return total == jr_output_bytes(args) ? JSP_E_OK : JSP_E_PLAN_SHAPE;
}
