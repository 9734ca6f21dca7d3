#include "arena.h"

#include "jsp_protocol.h"

/* Depends on the place, so that a kernel which fills with any one byte shows. */
static uint8_t pattern(uint32_t offset) {
    return (uint8_t)((offset * 167u) ^ (offset >> 8) ^ 0xA5u);
}

static uint8_t guard(uint32_t i) {
    return (uint8_t)(0xC3u + 29u * i);
}

uint8_t *jsa_arena_place(uint8_t *pool, uint32_t pool_bytes, uint32_t taken_bytes,
                         uint32_t *available_bytes) {
    uint32_t align = JSP_PLAN_ALIGNMENT;
    uint32_t padding = (align - taken_bytes % align) % align;
    *available_bytes = 0;
    if (taken_bytes > pool_bytes || pool_bytes - taken_bytes < padding + 2 * JSA_GUARD_BYTES) {
        return pool;
    }
    *available_bytes = (pool_bytes - taken_bytes - padding - 2 * JSA_GUARD_BYTES) / align * align;
    return pool + taken_bytes + padding + JSA_GUARD_BYTES;
}

void jsa_arena_prepare(uint8_t *arena, uint32_t count) {
    for (uint32_t i = 0; i < JSA_GUARD_BYTES; i++) {
        arena[-(int32_t)JSA_GUARD_BYTES + (int32_t)i] = guard(i);
        arena[count + i] = guard(i);
    }
    for (uint32_t i = 0; i < count; i++) {
        arena[i] = pattern(i);
    }
}

bool jsa_arena_guards_hold(const uint8_t *arena, uint32_t count) {
    for (uint32_t i = 0; i < JSA_GUARD_BYTES; i++) {
        if (arena[-(int32_t)JSA_GUARD_BYTES + (int32_t)i] != guard(i) ||
            arena[count + i] != guard(i)) {
            return false;
        }
    }
    return true;
}

uint32_t jsa_arena_high_water_bytes(const uint8_t *arena, uint32_t count) {
    while (count > 0 && arena[count - 1] == pattern(count - 1)) {
        count--;
    }
    return count;
}
