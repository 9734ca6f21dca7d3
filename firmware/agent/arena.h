/*
 * The arena's place in the pool, the guards on both its sides, and the pattern
 * that tells how much of it was ever written.
 */
#ifndef JSA_ARENA_H
#define JSA_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include "jump_rt.h"

#define JSA_GUARD_BYTES 16u

/*
 * The arena in a pool whose first `taken_bytes` hold a plan: 16-byte aligned, with
 * room for a guard before and after. `available_bytes` gets its size, 0 where
 * nothing is left (the address returned is then the pool's).
 */
uint8_t *jsa_arena_place(uint8_t *pool, jr_size pool_bytes, jr_size taken_bytes,
                         jr_size *available_bytes);

/* Fills the arena with the pattern and sets the guards around its `count` bytes. */
void jsa_arena_prepare(uint8_t *arena, jr_size count);

/* Whether both guards are as prepared. */
bool jsa_arena_guards_hold(const uint8_t *arena, jr_size count);

/* Bytes from the arena's start to the highest that differs from the pattern. */
jr_size jsa_arena_high_water_bytes(const uint8_t *arena, jr_size count);

#endif
