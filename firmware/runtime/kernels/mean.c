#include "kernels.h"
#include "odometer.h"
#include "requantize.h"

void jr_mean_run(const jr_args *args) {
    const jsp_mean_params *p = (const jsp_mean_params *)args->params;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    const jr_size outputs = (jr_size)jr_op_tensor(args, 1)->size_bytes;
    const jr_size reduced = (jr_size)jr_op_tensor(args, 0)->size_bytes / outputs;
    const uint32_t zero_points = reduced * (uint32_t)p->input_zero_point;
    jr_size kept_index[JSP_MAX_RANK] = {0};
    jr_size reduced_index[JSP_MAX_RANK] = {0};
    jr_size base = 0, offset = 0;
    jr_size o, i;
    for (o = 0; o < outputs; o++) {
        uint32_t sum = 0;
        for (i = 0; i < reduced; i++) {
            sum += (uint32_t)(int32_t)input[base + offset];
            offset = jr_odometer_step(reduced_index, offset, p->reduced_dims, p->reduced_strides,
                                      JSP_MAX_RANK);
        }
        output[o] = jr_to_int8(jr_requantize((int32_t)(sum - zero_points), p->multiplier, p->shift),
                               p->output_zero_point, INT8_MIN, INT8_MAX);
        base = jr_odometer_step(kept_index, base, p->kept_dims, p->kept_strides, JSP_MAX_RANK);
    }
}
