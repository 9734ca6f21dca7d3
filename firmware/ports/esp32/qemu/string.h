/* For compilers that come without a C library: what the sources use of it. memory.c has them. */
#ifndef ESP32_QEMU_STRING_H
#define ESP32_QEMU_STRING_H

#include <stddef.h>

void *memcpy(void *restrict target, const void *restrict source, size_t count);
void *memset(void *target, int value, size_t count);

#endif
