#include "pool.h"
#include "requantize.h"

/* The mean of the elements inside the input, halves rounded away from zero. */
static void average(const jsp_pool_params *p, const jr_pool_window *window, int8_t *output) {
    const int32_t count = (int32_t)(window->rows * window->columns);
    const int32_t half = count / 2;
    jr_size c, i, j;
    for (c = 0; c < p->channels; c++) {
        const int8_t *row = window->input + c;
        int32_t sum = 0;
        for (i = 0; i < window->rows; i++) {
            const int8_t *x = row;
            for (j = 0; j < window->columns; j++) {
                sum += *x;
                x += p->channels;
            }
            row += window->row_step;
        }
        sum = (sum > 0 ? sum + half : sum - half) / count;
        output[c] = jr_to_int8(sum, 0, (int8_t)p->activation_min, (int8_t)p->activation_max);
    }
}

void jr_average_pool_2d_run(const jr_args *args) {
    jr_for_each_window(args, average);
}
