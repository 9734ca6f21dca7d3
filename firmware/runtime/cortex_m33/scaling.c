#include "scaling.h"

#include <string.h>

#include "requantize.h"

#define MAX_SUM (INT32_C(1) << 30)

/* The largest product of two int8. */
#define MAX_PRODUCT (INT32_C(1) << 14)

bool jr_m33_can_scale(const int32_t *bias, uint32_t outputs, const int8_t *shifts, uint32_t scales,
                      uint32_t terms) {
    int32_t max_bias;
    uint32_t i;
    if (terms >= (uint32_t)(MAX_SUM / MAX_PRODUCT)) {
        return false;
    }
    max_bias = MAX_SUM - (int32_t)terms * MAX_PRODUCT;
    for (i = 0; i < outputs; i++) {
        if (bias[i] >= max_bias || bias[i] <= -max_bias) {
            return false;
        }
    }
    for (i = 0; i < scales; i++) {
        if (shifts[i] >= 0) {
            return false;
        }
    }
    return true;
}

static uint32_t in_every_byte(int32_t value) {
    return (uint32_t)(uint8_t)value * UINT32_C(0x01010101);
}

void jr_m33_clamp(int8_t *bytes, uint32_t count, int32_t low, int32_t high) {
    const uint32_t lows = in_every_byte(low), highs = in_every_byte(high);
    if (low == INT8_MIN && high == INT8_MAX) {
        return;
    }
    for (; count >= 4; count -= 4) {
        const uint32_t raised = jr_m33_max_bytes(jr_m33_read_word(bytes), lows);
        jr_m33_write_word(bytes, jr_m33_min_bytes(raised, highs));
        bytes += 4;
    }
    for (; count > 0; count--) {
        *bytes = (int8_t)jr_clamp(*bytes, low, high);
        bytes++;
    }
}
