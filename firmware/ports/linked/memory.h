/*
 * How the RAM is divided, with port.h's high-water mark of the stack: for ports whose linker script
 * does it, by the names in memory.c, and whose reset handler fills the stack with STACK_PATTERN.
 */
#ifndef PORTS_MEMORY_H
#define PORTS_MEMORY_H

#include <stdint.h>

uint8_t *memory_pool(void);
uint32_t memory_pool_bytes(void);

/* Everything that is neither pool nor stack. */
uint32_t memory_static_bytes(void);
uint32_t memory_stack_bytes(void);

#endif
