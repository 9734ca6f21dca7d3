#include "arena.h"

/* Depends on the place, so that a kernel which fills with any one byte shows. */
static uint8_t pattern(jr_size offset) {
    return (uint8_t)((uint8_t)(offset * 167u) ^ (uint8_t)(offset >> 8) ^ 0xA5u);
}

static uint8_t guard(uint8_t i) {
    return (uint8_t)(0xC3u + 29u * i);
}

uint8_t *jsa_arena_place(uint8_t *pool, jr_size pool_bytes, jr_size taken_bytes,
                         jr_size *available_bytes) {
    const jr_size align = JSP_PLAN_ALIGNMENT;
    const jr_size padding = (align - taken_bytes % align) % align;
    *available_bytes = 0;
    if (taken_bytes > pool_bytes || pool_bytes - taken_bytes < padding + 2 * JSA_GUARD_BYTES) {
        return pool;
    }
    *available_bytes = (pool_bytes - taken_bytes - padding - 2 * JSA_GUARD_BYTES) / align * align;
    return pool + taken_bytes + padding + JSA_GUARD_BYTES;
}

void jsa_arena_prepare(uint8_t *arena, jr_size count) {
    uint8_t *const before = arena - JSA_GUARD_BYTES;
    for (uint8_t i = 0; i < JSA_GUARD_BYTES; i++) {
        before[i] = guard(i);
        arena[count + i] = guard(i);
    }
    for (jr_size i = 0; i < count; i++) {
        arena[i] = pattern(i);
    }
}

bool jsa_arena_guards_hold(const uint8_t *arena, jr_size count) {
    const uint8_t *const before = arena - JSA_GUARD_BYTES;
    for (uint8_t i = 0; i < JSA_GUARD_BYTES; i++) {
        if (before[i] != guard(i) || arena[count + i] != guard(i)) {
            return false;
        }
    }
    return true;
}

jr_size jsa_arena_high_water_bytes(const uint8_t *arena, jr_size count) {
    while (count > 0 && arena[count - 1] == pattern(count - 1)) {
        count--;
    }
    return count;
}
