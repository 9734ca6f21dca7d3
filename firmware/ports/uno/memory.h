/* How uno.ld has divided the RAM; beside it, port.h's high-water mark of the stack. */
#ifndef UNO_MEMORY_H
#define UNO_MEMORY_H

#include <stdint.h>

/* Plan and arena elsewhere; here the arena with its guards alone. */
extern uint8_t __pool_start[];

#endif
