/* Cycles of a Cortex-M33 by instruction: a table, for code that waits for no memory. */
#ifndef THUMB_CYCLES_H
#define THUMB_CYCLES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Cycles of the instruction of `size` (2 or 4) bytes at `code`; a taken branch costs
 * TAKEN_BRANCH_CYCLES more.
 */
uint32_t thumb_cycles(const uint8_t *code, size_t size);

/* Size of the instruction at `code`: 2 or 4 bytes. */
size_t thumb_size(const uint8_t *code);

#define TAKEN_BRANCH_CYCLES 1u

#endif
