/* FULLY_CONNECTED: a dot product an output. */
#include "dot_product.h"
#include "kernels.h"
#include "scaling.h"

void jr_fully_connected_run(const jr_args *args) {
    const jsp_fully_connected_params *p = (const jsp_fully_connected_params *)args->params;
    const jr_size inputs = (jr_size)p->inputs, outputs = (jr_size)p->outputs;
    const jr_size row_bytes = (inputs + 3u) & ~(jr_size)3;
    const int8_t *input = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    jr_avr_scaling scaling;
    jr_size n, o;
    jr_avr_set_scaling(&scaling, args, &p->output_zero_point, p->channels == 1u);
    for (n = (jr_size)p->batch; n > 0; n--) {
        const JR_PLAN int8_t *row = scaling.weights;
        for (o = 0; o < outputs; o++) {
            const uint32_t acc = jr_avr_dot((uint32_t)scaling.bias[o], input, row, inputs);
            *output++ = jr_avr_scale(&scaling, o, acc);
            row += row_bytes;
        }
        input += inputs;
    }
}
