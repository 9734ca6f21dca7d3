/* A port of memory buffers, for programs that hold the agent in their own process. */
#ifndef MEMORY_PORT_H
#define MEMORY_PORT_H

#include <stdint.h>

/* What the agent will read; stays the caller's. */
void memory_port_set_input(const uint8_t *bytes, uint32_t count);

/* Bytes of the input not yet read. */
uint32_t memory_port_input_left(void);

/* What the agent has written since the last call. */
const uint8_t *memory_port_take_output(uint32_t *count);

#endif
