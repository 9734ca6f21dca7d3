/* CONSTANT: an operand from the plan, where its op reads the arena alone. */
#include "kernels.h"

void jr_constant_run(const jr_args *args) {
    const jsp_constant_params *p = (const jsp_constant_params *)args->params;
    const JR_PLAN int8_t *data = (const JR_PLAN int8_t *)(args->plan + p->data_offset);
    int8_t *output = jr_output(args, 0);
    const jr_size count = p->size_bytes;
    jr_size i;
    for (i = 0; i < count; i++) {
        output[i] = data[i];
    }
}
