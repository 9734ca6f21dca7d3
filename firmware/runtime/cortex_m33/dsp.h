/*
 * Instructions of the DSP extension that C has no operator for (Armv8-M Architecture Reference
 * Manual, section C2.4), and loads that need no alignment. A word of "halves" holds two int16_t.
 */
#ifndef JR_M33_DSP_H
#define JR_M33_DSP_H

#include <stdint.h>

/* Bytes 0 and 2, sign-extended to halves. */
static inline uint32_t jr_m33_even_bytes(uint32_t bytes) {
    uint32_t halves;
    __asm("sxtb16 %0, %1" : "=r"(halves) : "r"(bytes));
    return halves;
}

/* Bytes 1 and 3, sign-extended to halves. */
static inline uint32_t jr_m33_odd_bytes(uint32_t bytes) {
    uint32_t halves;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(bytes));
    return halves;
}

/* Halves of a less those of b; may wrap. */
static inline uint32_t jr_m33_subtract_halves(uint32_t a, uint32_t b) {
    __asm("ssub16 %0, %0, %1" : "+r"(a) : "r"(b));
    return a;
}

/* Halves of `sums` plus bytes 0 and 2; may wrap. */
static inline uint32_t jr_m33_add_even_bytes(uint32_t sums, uint32_t bytes) {
    __asm("sxtab16 %0, %0, %1" : "+r"(sums) : "r"(bytes));
    return sums;
}

/* Halves of `sums` plus bytes 1 and 3; may wrap. */
static inline uint32_t jr_m33_add_odd_bytes(uint32_t sums, uint32_t bytes) {
    __asm("sxtab16 %0, %0, %1, ror #8" : "+r"(sums) : "r"(bytes));
    return sums;
}

/* sum + x.lower * y.lower + x.upper * y.upper, mod 2^32. */
static inline int32_t jr_m33_add_products(int32_t sum, uint32_t x, uint32_t y) {
    __asm("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(x), "r"(y));
    return sum;
}

/* (a * b + 2^31) >> 32 */
static inline int32_t jr_m33_multiply_high(int32_t a, int32_t b) {
    int32_t high;
    __asm("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
    return high;
}

/* value >> 1, within int8. */
static inline int32_t jr_m33_half_to_int8(int32_t value) {
    __asm("ssat %0, #8, %0, asr #1" : "+r"(value));
    return value;
}

/* Of each byte the larger, or the smaller; signed. SEL goes by the flags that SSUB8 sets. */
static inline uint32_t jr_m33_max_bytes(uint32_t a, uint32_t b) {
    __asm("ssub8 r12, %0, %1\n\tsel %0, %0, %1" : "+r"(a) : "r"(b) : "r12", "cc");
    return a;
}

static inline uint32_t jr_m33_min_bytes(uint32_t a, uint32_t b) {
    __asm("ssub8 r12, %0, %1\n\tsel %0, %1, %0" : "+r"(a) : "r"(b) : "r12", "cc");
    return a;
}

/* A word at any address. */
static inline uint32_t jr_m33_read_word(const int8_t *from) {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

static inline void jr_m33_write_word(int8_t *to, uint32_t word) {
    __builtin_memcpy(to, &word, sizeof word);
}

#endif
