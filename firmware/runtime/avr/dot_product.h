/* The dot product of inputs in RAM and weights in flash. */
#ifndef JR_AVR_DOT_PRODUCT_H
#define JR_AVR_DOT_PRODUCT_H

#include "jump_rt.h"

/* Products that a sum of 24 bits holds, in whole blocks of the assembly's loop. */
#define JR_AVR_MAX_DOT 504u

/* `acc` plus the sum of x * w over `count` <= 511 elements. In dot_product.S. */
uint32_t jr_avr_dot_short(uint32_t acc, const int8_t *x, const JR_PLAN int8_t *w, uint16_t count);

/* The same over any number of elements. */
static inline uint32_t jr_avr_dot(uint32_t acc, const int8_t *x, const JR_PLAN int8_t *w,
                                  jr_size count) {
    for (; count > JR_AVR_MAX_DOT; count -= JR_AVR_MAX_DOT) {
        acc = jr_avr_dot_short(acc, x, w, JR_AVR_MAX_DOT);
        x += JR_AVR_MAX_DOT;
        w += JR_AVR_MAX_DOT;
    }
    return jr_avr_dot_short(acc, x, w, count);
}

#endif
