#include <stdint.h>
#include <string.h>

/*
 * The two functions of the C library that gcc and the agent call: words where both pointers allow
 * it. Compiled with -fno-builtin, or the loops would become calls of themselves.
 */
void *memcpy(void *restrict target, const void *restrict source, size_t count) {
    uint8_t *to = target;
    const uint8_t *from = source;
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0) {
        uint32_t *to_words = target;
        const uint32_t *from_words = source;
        for (; count >= 16; count -= 16) {
            const uint32_t a = from_words[0], b = from_words[1];
            const uint32_t c = from_words[2], d = from_words[3];
            to_words[0] = a, to_words[1] = b;
            to_words[2] = c, to_words[3] = d;
            to_words += 4;
            from_words += 4;
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
