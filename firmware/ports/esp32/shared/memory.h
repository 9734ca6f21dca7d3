/* How the RAM is divided. */
#ifndef ESP32_MEMORY_H
#define ESP32_MEMORY_H

#include <stdint.h>

uint8_t *memory_pool(void);
uint32_t memory_pool_bytes(void);

/* Static data besides the pool. */
uint32_t memory_static_bytes(void);
uint32_t memory_stack_bytes(void);

/* Deepest use of the stack since start, by the pattern that it was filled with. */
uint32_t memory_stack_high_water_bytes(void);

#endif
