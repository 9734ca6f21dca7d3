#include "uart.h"

#include "machine.h"

/*
 * The baud rate stays as it is: bytes come and go by the emulator's socket, at no rate. So does the
 * FIFO, off: its time-out is a timer of QEMU's that a received byte puts off, and a core asleep
 * until that timer, as the nearest one, would never wake (QEMU 7.2, icount_warp_rt()).
 */
void uart_init(void) {
    MACHINE_REG8(MACHINE_UART_LCR) = MACHINE_UART_LCR_8BITS;
}

bool uart_has_bytes(void) {
    return (MACHINE_REG8(MACHINE_UART_LSR) & MACHINE_UART_LSR_READY) != 0;
}

uint32_t uart_read(uint8_t *buffer, uint32_t capacity) {
    uint32_t count = 0;
    while (count < capacity && uart_has_bytes()) {
        buffer[count++] = MACHINE_REG8(MACHINE_UART_DATA);
    }
    return count;
}

/* The watchdog bounds the wait for a host that takes nothing. */
void uart_write(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        while (!(MACHINE_REG8(MACHINE_UART_LSR) & MACHINE_UART_LSR_EMPTY)) {
        }
        MACHINE_REG8(MACHINE_UART_DATA) = data[i];
    }
}
