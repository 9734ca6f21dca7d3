#include "pool.h"
#include "window.h"

void jr_for_each_window(const jr_args *args, jr_pool_function function) {
    const jsp_pool_params *p = (const jsp_pool_params *)args->params;
    const int8_t *image = jr_input(args, 0);
    int8_t *output = jr_output(args, 0);
    jr_pool_window window;
    jr_size n, y, x;
    window.row_step = (jr_size)p->input_w * p->channels;
    for (n = 0; n < p->batch; n++) {
        for (y = 0; y < p->output_h; y++) {
            const jr_position top = (jr_position)((jr_position)(y * p->stride_h) - p->pad_top);
            const jr_span rows = jr_clip_window(top, p->window_h, 1u, p->input_h);
            const int8_t *row = image + (jr_size)(top + (jr_position)rows.begin) * window.row_step;
            for (x = 0; x < p->output_w; x++) {
                const jr_position left =
                    (jr_position)((jr_position)(x * p->stride_w) - p->pad_left);
                const jr_span columns = jr_clip_window(left, p->window_w, 1u, p->input_w);
                window.input = row + (jr_size)(left + (jr_position)columns.begin) * p->channels;
                window.rows = rows.end - rows.begin;
                window.columns = columns.end - columns.begin;
                function(p, &window, output);
                output += p->channels;
            }
        }
        image += p->input_h * window.row_step;
    }
}
