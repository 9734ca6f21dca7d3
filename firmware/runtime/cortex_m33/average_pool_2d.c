/*
 * AVERAGE_POOL_2D, four channels at a time: their sums are halves of two words, which SXTAB16 adds
 * to. Larger windows, whose sums could leave 16 bits, are left to the portable kernel.
 */
#include "dsp.h"
#include "pool.h"
#include "portable/portable.h"
#include "requantize.h"

/* A sum of as many int8 is an int16. */
#define MAX_WINDOW 255u

/* Halves rounded away from zero. */
static int8_t mean(int32_t sum, int32_t count, const jsp_pool_params *p) {
    const int32_t half = count / 2;
    sum = (sum > 0 ? sum + half : sum - half) / count;
    return (int8_t)jr_clamp(sum, p->activation_min, p->activation_max);
}

static void average(const jsp_pool_params *p, const jr_pool_window *window, int8_t *output) {
    const int32_t count = (int32_t)(window->rows * window->columns);
    const uint32_t channels = p->channels;
    uint32_t c, i, j;
    for (c = 0; c + 4u <= channels; c += 4u) {
        const int8_t *row = window->input + c;
        uint32_t even = 0, odd = 0;
        for (i = 0; i < window->rows; i++) {
            const int8_t *x = row;
            for (j = window->columns; j > 0; j--) {
                const uint32_t word = jr_m33_read_word(x);
                even = jr_m33_add_even_bytes(even, word);
                odd = jr_m33_add_odd_bytes(odd, word);
                x += channels;
            }
            row += window->row_step;
        }
        output[c] = mean((int16_t)even, count, p);
        output[c + 1u] = mean((int16_t)odd, count, p);
        output[c + 2u] = mean((int16_t)(even >> 16), count, p);
        output[c + 3u] = mean((int16_t)(odd >> 16), count, p);
    }
    for (; c < channels; c++) {
        const int8_t *row = window->input + c;
        int32_t sum = 0;
        for (i = 0; i < window->rows; i++) {
            for (j = 0; j < window->columns; j++) {
                sum += row[j * channels];
            }
            row += window->row_step;
        }
        output[c] = mean(sum, count, p);
    }
}

void jr_average_pool_2d_run(const jr_args *args) {
    const jsp_pool_params *p = (const jsp_pool_params *)args->params;
    if ((uint32_t)p->window_h * p->window_w > MAX_WINDOW) {
        jr_average_pool_2d_run_portable(args);
        return;
    }
    jr_for_each_window(args, average);
}
