/* The chip's counter of its own cycles. */
#ifndef UNO_Q_CYCLES_H
#define UNO_Q_CYCLES_H

#include <stdint.h>

void cycles_init(void);

/* Cycles since the board started; to be called at least every 26 s. */
uint64_t cycles_read(void);

#endif
