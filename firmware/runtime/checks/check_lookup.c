#include "check_common.h"
#include "kernels.h"

int jr_lookup_check(const jr_args *args) {
    const jsp_lookup_params *p = (const jsp_lookup_params *)args->params;
    int error = jr_check_tensors(args, 1u, JR_IN_PLACE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (p->count != jr_input_bytes(args, 0) || p->count != jr_output_bytes(args)) {
        return JSP_E_PLAN_SHAPE;
    }
    return jr_check_data(args, p->table_offset, 256u, 1u);
}
