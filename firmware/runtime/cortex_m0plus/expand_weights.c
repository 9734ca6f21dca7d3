#include "expand_weights.h"

#include "int4.h"

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

/* The weights that a mask gives at once: the first goes to words[0], the one two on to words[4]. */
static inline void expand_lanes(uint32_t *words, uint32_t a, uint32_t b) {
    a &= JR_INT4_LANES;
    b &= JR_INT4_LANES;
    words[0] = JR_INT4_LANES_OF_BIAS - ((a & 0xFFFFu) + (b << 16));
    words[4] = JR_INT4_LANES_OF_BIAS - ((a >> 16) + (b >> 16 << 16));
}

void jr_m0_expand_int4_weights(uint32_t *words, const uint32_t *a, const uint32_t *b,
                               uint32_t count) {
    uint32_t in_a = 0, in_b = 0;
    uint32_t i;
    for (i = 0; i < count; i += 4) {
        if ((i & 4u) == 0) {
            in_a = *a++;
            in_b = *b++;
        }
        expand_lanes(words, in_a, in_b);
        expand_lanes(words + 1, in_a >> 4, in_b >> 4);
        in_a >>= 8;
        in_b >>= 8;
        words += 8;
    }
}
