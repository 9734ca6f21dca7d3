/* How uno.ld has divided the RAM. */
#ifndef UNO_MEMORY_H
#define UNO_MEMORY_H

#include <stdint.h>

/* Plan and arena elsewhere; here the arena with its guards alone. */
extern uint8_t __pool_start[];

/* Deepest use of the stack since start, by the pattern that start-up code filled it with. */
uint16_t memory_stack_high_water_bytes(void);

#endif
