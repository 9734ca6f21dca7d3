/* Where a sliding window meets its input. */
#ifndef JR_WINDOW_H
#define JR_WINDOW_H

#include <stdint.h>

/* Indices begin <= i < end of a window; begin <= end <= its size. */
typedef struct jr_span {
    uint32_t begin, end;
} jr_span;

/*
 * The indices i of a window of `size` for which first + i * dilation lies in
 * [0, limit). All below 2^31, `size`, `dilation` and `limit` not 0.
 */
static inline jr_span jr_clip_window(int32_t first, uint32_t size, uint32_t dilation,
                                     uint32_t limit) {
    jr_span span = {0, 0};
    if (first < 0) {
        span.begin = ((uint32_t)-first + dilation - 1u) / dilation;
    }
    if (first < (int32_t)limit) {
        span.end = ((uint32_t)((int32_t)limit - first) + dilation - 1u) / dilation;
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
