#include "memory.h"

#include "port.h"

/* From the linker script; of the sizes, the address is the value. */
extern uint8_t __pool_start[];
extern const uint8_t __pool_bytes[];
extern const uint8_t __static_bytes[];
extern const uint32_t __stack_bottom[];
extern const uint32_t __stack_top[];

uint8_t *memory_pool(void) {
    return __pool_start;
}

uint32_t memory_pool_bytes(void) {
    return (uint32_t)(uintptr_t)__pool_bytes;
}

uint32_t memory_static_bytes(void) {
    return (uint32_t)(uintptr_t)__static_bytes;
}

uint32_t memory_stack_bytes(void) {
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)__stack_bottom);
}

jr_size port_stack_high_water_bytes(void) {
    const volatile uint32_t *word = __stack_bottom;
    while (word < __stack_top && *word == STACK_PATTERN) {
        word++;
    }
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}
