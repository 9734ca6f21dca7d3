#include "uart.h"

#include "chip_uart.h"
#include "cortex_m33.h"

/* At 115,200 baud 44 ms of line time; between two reads the agent works for under 1 ms. */
#define RING_BYTES 512u
#define RING_MASK  (RING_BYTES - 1u)

/* Interrupt handler writes head and bytes, main writes tail; one slot stays free. */
static struct {
    volatile uint16_t head;
    volatile uint16_t tail;
    volatile bool full; /* bytes wait in the receiver, its interrupt is off */
    uint8_t bytes[RING_BYTES];
} rx;

/* Bounded by the receiver's depth: what comes meanwhile raises the interrupt again. */
void uart_handler(void) {
    uint32_t head = rx.head;
    chip_uart_clear_interrupt();
    for (uint32_t i = 0; i < CHIP_UART_RX_BYTES && chip_uart_has_byte(); i++) {
        const uint32_t next = (head + 1u) & RING_MASK;
        if (next == rx.tail) {
            chip_uart_enable_interrupt(false);
            rx.full = true;
            break;
        }
        rx.bytes[head] = chip_uart_take();
        head = next;
    }
    rx.head = (uint16_t)head;
}

/* What has come before raises no interrupt on every chip: the handler looks itself. */
static void receive(void) {
    const uint32_t primask = interrupts_off();
    rx.full = false;
    chip_uart_enable_interrupt(true);
    uart_handler();
    interrupts_restore(primask);
}

void uart_init(void) {
    chip_uart_init();
    receive();
}

bool uart_has_bytes(void) {
    return rx.head != rx.tail;
}

uint32_t uart_read(uint8_t *buffer, uint32_t capacity) {
    const uint32_t head = rx.head;
    uint32_t tail = rx.tail;
    uint32_t count = 0;
    __asm volatile("" : : : "memory"); /* the bytes are read after head */
    while (count < capacity && tail != head) {
        buffer[count++] = rx.bytes[tail];
        tail = (tail + 1u) & RING_MASK;
    }
    __asm volatile("" : : : "memory"); /* and before their room is given back */
    rx.tail = (uint16_t)tail;
    if (rx.full) {
        receive();
    }
    return count;
}

/* Nothing can stop the transmitter (no flow control), so the wait is a character's time; the
 * watchdog bounds it. */
void uart_send(uint8_t byte) {
    while (!chip_uart_can_send()) {
    }
    chip_uart_put(byte);
}

void uart_drain(void) {
    while (!chip_uart_is_idle()) {
    }
}
