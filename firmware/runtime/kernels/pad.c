#include <string.h>

#include "kernels.h"

#define INNER (JSP_MAX_RANK - 1u)

void jr_pad_run(const jr_args *args) {
    const jsp_pad_params *p = (const jsp_pad_params *)args->params;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    const jr_size row_bytes = p->dims[INNER];
    jr_size index[INNER] = {0};
    jr_size left, i;
    memset(output, (int)p->value, jr_op_tensor(args, 1)->size_bytes);
    for (left = jr_op_tensor(args, 0)->size_bytes; left > 0; left -= row_bytes) {
        jr_size position = 0;
        for (i = 0; i < INNER; i++) {
            position = (position + p->before[i] + index[i]) *
                       (p->before[i + 1] + p->dims[i + 1] + p->after[i + 1]);
        }
        memcpy(output + position + p->before[INNER], input, row_bytes);
        input += row_bytes;
        for (i = INNER; i > 0 && ++index[i - 1] == p->dims[i - 1]; i--) {
            index[i - 1] = 0;
        }
    }
}
