#include "memory.h"

#include <string.h>

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

uint32_t memory_stack_high_water_bytes(void) {
    const volatile uint32_t *word = __stack_bottom;
    while (word < __stack_top && *word == STACK_PATTERN) {
        word++;
    }
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}

/*
 * Words where both pointers allow it. Compiled with -fno-builtin, or the loops would become calls
 * of themselves.
 */
void *memcpy(void *restrict target, const void *restrict source, size_t count) {
    uint8_t *to = target;
    const uint8_t *from = source;
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0) {
        uint32_t *to_words = target;
        const uint32_t *from_words = source;
        for (; count >= 4; count -= 4) {
            *to_words++ = *from_words++;
        }
        to = (uint8_t *)to_words;
        from = (const uint8_t *)from_words;
    }
    for (; count > 0; count--) {
        *to++ = *from++;
    }
    return target;
}

void *memset(void *target, int value, size_t count) {
    uint8_t *to = target;
    for (; count > 0 && ((uintptr_t)to & 3u) != 0; count--) {
        *to++ = (uint8_t)value;
    }
    const uint32_t word = (uint8_t)value * 0x01010101u;
    uint32_t *words = (uint32_t *)(void *)to;
    for (; count >= 4; count -= 4) {
        *words++ = word;
    }
    for (to = (uint8_t *)words; count > 0; count--) {
        *to++ = (uint8_t)value;
    }
    return target;
}
