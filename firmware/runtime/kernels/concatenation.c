#include <string.h>

#include "kernels.h"

void jr_concatenation_run(const jr_args *args) {
    const jsp_concatenation_params *p = (const jsp_concatenation_params *)args->params;
    const jr_size inputs = args->op->input_count;
    const jr_size output_row = jr_op_tensor(args, inputs)->size_bytes / p->outer;
    int8_t *column = jr_output(args, 0);
    jr_size i, row;
    for (i = 0; i < inputs; i++) {
        const jr_size row_bytes = jr_op_tensor(args, i)->size_bytes / p->outer;
        const int8_t *input = jr_input(args, i);
        int8_t *output = column;
        for (row = 0; row < p->outer; row++) {
            memcpy(output, input, row_bytes);
            input += row_bytes;
            output += output_row;
        }
        column += row_bytes;
    }
}
