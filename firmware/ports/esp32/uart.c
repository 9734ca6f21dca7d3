#include "uart.h"

#include "machine.h"

/* The machine has no UART: its simulator's console takes and gives bytes. */
void uart_init(void) {
}

bool uart_has_bytes(void) {
    return machine_simcall(MACHINE_SIMCALL_SELECT, MACHINE_STDIN, MACHINE_SELECT_READ, 0) > 0;
}

uint32_t uart_read(uint8_t *buffer, uint32_t capacity) {
    const int32_t count =
        machine_simcall(MACHINE_SIMCALL_READ, MACHINE_STDIN, (uint32_t)(uintptr_t)buffer, capacity);
    return count > 0 ? (uint32_t)count : 0;
}

/* A call sends up to all of it; while it waits for the host, the machine's time stands still. */
void uart_write(const uint8_t *data, uint32_t count) {
    while (count > 0) {
        const int32_t sent = machine_simcall(MACHINE_SIMCALL_WRITE, MACHINE_STDOUT,
                                             (uint32_t)(uintptr_t)data, count);
        if (sent <= 0) {
            return; /* nobody is there */
        }
        data += sent;
        count -= (uint32_t)sent;
    }
}
