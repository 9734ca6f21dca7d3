/*
 * What gcc calls for the operations that the LX106 lacks: in an ESP8266 the boot ROM has these, so
 * the compiler's library leaves them out. Names and types are those of the GCC Internals, "Routines
 * for integer arithmetic". No kernel's inner loop divides.
 */
#include <stdint.h>

typedef struct quotient {
    uint32_t whole;
    uint32_t rest;
} quotient;

/* Bit by bit, from the highest that can be set. By zero: all bits, and the dividend. */
static quotient divide(uint32_t dividend, uint32_t divisor) {
    quotient result = {0, dividend};
    if (divisor == 0) {
        result.whole = UINT32_MAX;
        return result;
    }
    if (dividend < divisor) {
        return result;
    }
    for (int bit = __builtin_clz(divisor) - __builtin_clz(dividend); bit >= 0; bit--) {
        if (result.rest >> bit >= divisor) {
            result.rest -= divisor << bit;
            result.whole |= UINT32_C(1) << bit;
        }
    }
    return result;
}

static uint32_t magnitude(int32_t value) {
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);
uint32_t __umodsi3(uint32_t dividend, uint32_t divisor);
int32_t __divsi3(int32_t dividend, int32_t divisor);
uint64_t __umulsidi3(uint32_t a, uint32_t b);
int64_t __muldi3(int64_t a, int64_t b);

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) {
    return divide(dividend, divisor).whole;
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor) {
    return divide(dividend, divisor).rest;
}

int32_t __divsi3(int32_t dividend, int32_t divisor) {
    const uint32_t whole = divide(magnitude(dividend), magnitude(divisor)).whole;
    return (int32_t)((dividend ^ divisor) < 0 ? 0u - whole : whole);
}

/* From four products of 16 bits. */
static inline uint64_t product(uint32_t a, uint32_t b) {
    const uint32_t a0 = a & 0xffffu, a1 = a >> 16;
    const uint32_t b0 = b & 0xffffu, b1 = b >> 16;
    const uint32_t low = a0 * b0;
    const uint32_t middle = a1 * b0 + (low >> 16);
    const uint32_t upper = a0 * b1 + (middle & 0xffffu);
    const uint32_t high = a1 * b1 + (middle >> 16) + (upper >> 16);
    return ((uint64_t)high << 32) | (upper << 16) | (low & 0xffffu);
}

/* Of the LX106's own, for divisions by constants: called by gcc 13, not yet by gcc 12. */
uint64_t __umulsidi3(uint32_t a, uint32_t b) {
    return product(a, b);
}

/* The high words count modulo 2^32. */
int64_t __muldi3(int64_t a, int64_t b) {
    const uint32_t a_low = (uint32_t)a, b_low = (uint32_t)b;
    const uint32_t high =
        (uint32_t)((uint64_t)a >> 32) * b_low + a_low * (uint32_t)((uint64_t)b >> 32);
    return (int64_t)(product(a_low, b_low) + ((uint64_t)high << 32));
}
