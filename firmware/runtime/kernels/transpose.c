#include "kernels.h"
#include "odometer.h"

#define INNER (JSP_MAX_RANK - 1u)

void jr_transpose_run(const jr_args *args) {
    const jsp_transpose_params *p = (const jsp_transpose_params *)args->params;
    const jr_size row_elements = p->dims[INNER];
    const jr_size step = p->input_strides[INNER];
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    jr_size index[INNER] = {0};
    jr_size offset = 0;
    jr_size left, i;
    for (left = jr_op_tensor(args, 1)->size_bytes; left > 0; left -= row_elements) {
        const int8_t *x = input + offset;
        for (i = 0; i < row_elements; i++) {
            *output++ = *x;
            x += step;
        }
        offset = jr_odometer_step(index, offset, p->dims, p->input_strides, INNER);
    }
}
