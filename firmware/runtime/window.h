/* Where a sliding window meets its input. */
#ifndef JR_WINDOW_H
#define JR_WINDOW_H

#include "jump_rt.h"

/* Indices begin <= i < end of a window; begin <= end <= its size. */
typedef struct jr_span {
    jr_size begin, end;
} jr_span;

/*
 * The indices i of a window of `size` for which first + i * dilation lies in
 * [0, limit). All below half of what jr_size holds, `size`, `dilation` and `limit` not 0.
 */
static inline jr_span jr_clip_window(jr_position first, jr_size size, jr_size dilation,
                                     jr_size limit) {
    jr_span span = {0, 0};
    if (first < 0) {
        span.begin = ((jr_size)-first + dilation - 1u) / dilation;
    }
    if (first < (jr_position)limit) {
        span.end = ((jr_size)((jr_position)limit - first) + dilation - 1u) / dilation;
    }
    if (span.end > size) {
        span.end = size;
    }
    if (span.begin > span.end) {
        span.begin = span.end;
    }
    return span;
}

#endif
