/* LOGISTIC, HARD_SWISH, QUANTIZE: any function of one int8, tabulated on the host. */
#include "kernels.h"

void jr_lookup_run(const jr_args *args) {
    const jsp_lookup_params *p = (const jsp_lookup_params *)args->params;
    const JR_PLAN int8_t *table = (const JR_PLAN int8_t *)(args->plan + p->table_offset);
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    const jr_size count = p->count;
    jr_size i;
    for (i = 0; i < count; i++) {
        output[i] = table[(uint8_t)input[i]];
    }
}
