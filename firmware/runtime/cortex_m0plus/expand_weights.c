#include "expand_weights.h"

static inline uint32_t pair(int32_t a, int32_t b) {
    return 0u - ((uint32_t)a + ((uint32_t)b << 16));
}

bool jr_m0_expand_weights(uint32_t *words, const int8_t *a, const int8_t *b, uint32_t count) {
    const int8_t *end = a + count;
    bool usable = true;
    for (; a != end; a += 4, b += 4) {
        const int32_t b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
        words[0] = pair(a[0], b0);
        words[1] = pair(a[1], b1);
        words[4] = pair(a[2], b2);
        words[5] = pair(a[3], b3);
        words += 8;
        if ((b0 | b1) == INT8_MIN || (b2 | b3) == INT8_MIN) {
            usable = false;
        }
    }
    return usable;
}
