/*
 * The arena's place in the pool, the guards on both its sides, and the pattern
 * that tells how much of it was ever written.
 */
#ifndef JSA_ARENA_H
#define JSA_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#define JSA_GUARD_BYTES 16u

/*
 * The arena in a pool whose first `taken_bytes` hold a plan: 16-byte aligned, with
 * room for a guard before and after. `available_bytes` gets its size, 0 where
 * nothing is left (the address returned is then the pool's).
 */
uint8_t *jsa_arena_place(uint8_t *pool, uint32_t pool_bytes, uint32_t taken_bytes,
                         uint32_t *available_bytes);

/* Fills the arena with the pattern and sets the guards around its `count` bytes. */
void jsa_arena_prepare(uint8_t *arena, uint32_t count);

/* Whether both guards are as prepared. */
bool jsa_arena_guards_hold(const uint8_t *arena, uint32_t count);

/* Bytes from the arena's start to the highest that differs from the pattern. */
uint32_t jsa_arena_high_water_bytes(const uint8_t *arena, uint32_t count);

#endif
