/* What ADD and MUL share: a broadcast walk over up to four dimensions. */
#ifndef JR_ELEMENTWISE_H
#define JR_ELEMENTWISE_H

#include "kernels.h"

/* The innermost dimension: `count` elements, the inputs `step` elements apart. */
typedef struct jr_row {
    const int8_t *input1;
    const int8_t *input2;
    int8_t *output;
    jr_size step1, step2, count;
} jr_row;

typedef void (*jr_row_function)(const jsp_elementwise_params *params, const jr_row *row);

void jr_for_each_row(const jr_args *args, jr_row_function function);

#endif
