/* How the linker script has divided the RAM. */
#ifndef UNO_Q_MEMORY_H
#define UNO_Q_MEMORY_H

#include <stdint.h>

uint8_t *memory_pool(void);
uint32_t memory_pool_bytes(void);

/* .noinit, .data and .bss. */
uint32_t memory_static_bytes(void);
uint32_t memory_stack_bytes(void);

/* Deepest use of the stack since start, by the pattern that the reset handler filled it with. */
uint32_t memory_stack_high_water_bytes(void);

#endif
