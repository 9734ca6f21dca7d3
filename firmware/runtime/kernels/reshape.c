/* RESHAPE: a copy, unless the planner gave the output its input's place. */
#include <string.h>

#include "kernels.h"

void jr_reshape_run(const jr_args *args) {
    const jsp_reshape_params *p = (const jsp_reshape_params *)args->params;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    if (input != output) {
        memcpy(output, input, p->size_bytes);
    }
}
