/* Counts through JSP_MAX_RANK dimensions and keeps the offset of the current element. */
#ifndef JR_ODOMETER_H
#define JR_ODOMETER_H

#include "jr_kernel.h"

/*
 * Steps `index` to the next of `rank` dimensions, innermost last, and returns the
 * strided offset that belongs to it; after the last index it is all zeros and 0 again.
 */
static inline jr_size jr_odometer_step(jr_size *index, jr_size offset, const uint32_t *dims,
                                       const uint32_t *strides, uint8_t rank) {
    while (rank > 0) {
        rank--;
        index[rank]++;
        offset += (jr_size)strides[rank];
        if (index[rank] < dims[rank]) {
            return offset;
        }
        offset -= (jr_size)(dims[rank] * strides[rank]);
        index[rank] = 0;
    }
    return offset;
}

#endif
