/* What main gives the posix port before the agent starts. */
#ifndef POSIX_PORT_H
#define POSIX_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "transport.h"

typedef struct posix_options {
    transport_kind kind;
    uint16_t tcp_port;
    uint32_t pool_bytes;
    const char *flash_path; /* NULL: no flash store */
    uint32_t flash_bytes;
    bool flash_programmed; /* by something else: the agent only reads it */
    char **arguments;      /* of the process: a reset executes them again */
} posix_options;

/* Fills the stack that the agent will run on, so that its deepest use can be told. */
void posix_port_set_stack(uint8_t *stack, uint32_t stack_bytes);

void posix_port_set_options(const posix_options *options);

#endif
