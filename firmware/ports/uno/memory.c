#include "memory.h"

#include <avr/io.h>

#include "port.h"

/* From uno.ld. */
extern uint8_t __stack_bottom[];

/* Words would be no faster; a byte that a return address does not often have. */
#define PATTERN 0xB7u

/* When SP is set (.init2) and before anything is on the stack. */
void memory_fill_stack(void) __attribute__((naked, used, section(".init3")));
void memory_fill_stack(void) {
    uint8_t *byte = __stack_bottom;
    do {
        *byte++ = PATTERN;
    } while (byte <= (uint8_t *)RAMEND);
}

jr_size port_stack_high_water_bytes(void) {
    const volatile uint8_t *byte = __stack_bottom;
    while (*byte == PATTERN) {
        byte++;
    }
    return (jr_size)((const uint8_t *)RAMEND + 1 - byte);
}
