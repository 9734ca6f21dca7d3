/* What the pools share: the walk over output pixels with clipped windows. */
#ifndef JR_POOL_H
#define JR_POOL_H

#include "kernels.h"

/* A window clipped to the input; never empty. Channels of a pixel are adjacent. */
typedef struct jr_pool_window {
    const int8_t *input; /* first element of the window's first pixel */
    jr_size rows, columns;
    jr_size row_step; /* elements from a row to the next */
} jr_pool_window;

/* Writes the `channels` outputs of one pixel. */
typedef void (*jr_pool_function)(const jsp_pool_params *params, const jr_pool_window *window,
                                 int8_t *output);

void jr_for_each_window(const jr_args *args, jr_pool_function function);

#endif
