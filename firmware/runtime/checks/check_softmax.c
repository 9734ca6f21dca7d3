#include "check_common.h"
#include "kernels.h"

/*
 * An exponential adds at most 2^19 to a row's sum (Q12.19), so the sum of this many
 * stays below 2^32. A first entry of 2^11 or more keeps it above 0.
 */
#define MAX_DEPTH       UINT32_C(8191)
#define MIN_FIRST_ENTRY 2048

int jr_softmax_check(const jr_args *args) {
    const jsp_softmax_params *p = (const jsp_softmax_params *)args->params;
    const JR_PLAN int32_t *table;
    uint32_t i;
    int error = jr_check_tensors(args, 1u, JR_IN_PLACE);
    if (error != JSP_E_OK) {
        return error;
    }
    if (p->rows == 0 || p->depth == 0 || p->depth > MAX_DEPTH || p->table_entries == 0 ||
        p->table_entries > 256u) {
        return JSP_E_PLAN_PARAMETER;
    }
    if (jr_product(p->rows, p->depth) != jr_input_bytes(args, 0) ||
        jr_input_bytes(args, 0) != jr_output_bytes(args)) {
        return JSP_E_PLAN_SHAPE;
    }
    error = jr_check_data(args, p->table_offset, p->table_entries, sizeof(int32_t));
    if (error != JSP_E_OK) {
        return error;
    }
    table = (const JR_PLAN int32_t *)(args->plan + p->table_offset);
    if (table[0] < MIN_FIRST_ENTRY) {
        return JSP_E_PLAN_PARAMETER;
    }
    for (i = 1; i < p->table_entries; i++) {
        if (table[i] < 0) {
            return JSP_E_PLAN_PARAMETER;
        }
    }
    return JSP_E_OK;
}
