#include "pool.h"
#include "requantize.h"

static void maximum(const jsp_pool_params *p, const jr_pool_window *window, int8_t *output) {
    jr_size c, i, j;
    for (c = 0; c < p->channels; c++) {
        const int8_t *row = window->input + c;
        int32_t max = INT8_MIN;
        for (i = 0; i < window->rows; i++) {
            const int8_t *x = row;
            for (j = 0; j < window->columns; j++) {
                max = *x > max ? *x : max;
                x += p->channels;
            }
            row += window->row_step;
        }
        output[c] = (int8_t)jr_clamp(max, p->activation_min, p->activation_max);
    }
}

void jr_max_pool_2d_run(const jr_args *args) {
    jr_for_each_window(args, maximum);
}
