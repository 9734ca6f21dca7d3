#include "elementwise.h"

void jr_for_each_row(const jr_args *args, jr_row_function function) {
    const jsp_elementwise_params *p = (const jsp_elementwise_params *)args->params;
    const int8_t *input1 = jr_input(args, 0);
    const int8_t *input2 = jr_input(args, 1);
    jr_size i, j, k;
    jr_row row;
    row.output = jr_output(args, 0);
    row.step1 = (jr_size)p->input1_strides[3];
    row.step2 = (jr_size)p->input2_strides[3];
    row.count = (jr_size)p->dims[3];
    for (i = 0; i < (jr_size)p->dims[0]; i++) {
        for (j = 0; j < (jr_size)p->dims[1]; j++) {
            row.input1 =
                input1 + i * (jr_size)p->input1_strides[0] + j * (jr_size)p->input1_strides[1];
            row.input2 =
                input2 + i * (jr_size)p->input2_strides[0] + j * (jr_size)p->input2_strides[1];
            for (k = 0; k < (jr_size)p->dims[2]; k++) {
                function(p, &row);
                row.output += row.count;
                row.input1 += (jr_size)p->input1_strides[2];
                row.input2 += (jr_size)p->input2_strides[2];
            }
        }
    }
}
