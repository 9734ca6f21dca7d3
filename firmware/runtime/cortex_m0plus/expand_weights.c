#include "expand_weights.h"

static inline uint32_t pair(int32_t a, int32_t b) {
    return 0u - ((uint32_t)a + ((uint32_t)b << 16));
}

void jr_m0_expand_weights(uint32_t *words, const int8_t *a, const int8_t *b, uint32_t count) {
    const int8_t *end = a + count;
    for (; a != end; a += 4, b += 4) {
        words[0] = pair(a[0], b[0]);
        words[1] = pair(a[1], b[1]);
        words[4] = pair(a[2], b[2]);
        words[5] = pair(a[3], b[3]);
        words += 8;
    }
}
