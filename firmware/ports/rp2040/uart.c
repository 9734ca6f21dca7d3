#include "uart.h"

#include "clocks.h"
#include "rp2040.h"

#define TX_PIN 0u
#define RX_PIN 1u

/* clk_peri / (16 * baud) in 64ths [4.2.7.1]: 9 + 1/64, 0.04 % off. */
#define DIVISOR_64THS ((CLK_SYS_HZ * 4u + UART_BAUD / 2u) / UART_BAUD)

/*
 * 5.5 ms of line time. The agent unstuffs as it reads, so between two reads it works at
 * most on what a chunk leaves to do, copy and answer: under 0.5 ms.
 */
#define RING_BYTES 512u
#define RING_MASK  (RING_BYTES - 1u)

/* Interrupt handler writes head and bytes, main writes tail; one slot stays free. */
static struct {
    volatile uint16_t head;
    volatile uint16_t tail;
    volatile uint32_t lost_bytes; /* FIFO or ring overran; for a debugger, the protocol repeats */
    uint8_t bytes[RING_BYTES];
} rx;

void uart_init(void) {
    clocks_release_from_reset(RP_RESETS_UART0);
    RP_REG(RP_UART_IBRD) = DIVISOR_64THS / 64u;
    RP_REG(RP_UART_FBRD) = DIVISOR_64THS % 64u;
    RP_REG(RP_UART_LCR_H) = RP_UART_LCR_H_8BITS | RP_UART_LCR_H_FIFOS; /* latches the divisor too */
    RP_REG(RP_UART_IFLS) =
        RP_UART_IFLS_RX_HALF; /* leaves 16 bytes, 174 us, for the handler to come */
    RP_REG(RP_UART_IMSC) = RP_UART_INT_RX | RP_UART_INT_TIMEOUT;
    RP_REG(RP_UART_CR) = RP_UART_CR_RXE | RP_UART_CR_TXE | RP_UART_CR_ENABLE;

    /* A line that nobody drives reads idle. */
    RP_SET(RP_PADS_GPIO(RX_PIN)) = RP_PADS_PULL_UP;
    RP_CLEAR(RP_PADS_GPIO(RX_PIN)) = RP_PADS_PULL_DOWN;
    RP_REG(RP_GPIO_CTRL(TX_PIN)) = RP_GPIO_FUNCSEL_UART;
    RP_REG(RP_GPIO_CTRL(RX_PIN)) = RP_GPIO_FUNCSEL_UART;
    RP_REG(RP_NVIC_ISER) = 1u << RP_IRQ_UART0;
}

/* Bounded by the FIFO's depth: what comes meanwhile raises the interrupt again. */
RP_RAM_CODE("uart0_handler") void uart0_handler(void) {
    uint32_t head = rx.head;
    RP_REG(RP_UART_ICR) = RP_UART_INT_TIMEOUT;
    for (uint32_t i = 0; i < RP_UART_FIFO_BYTES; i++) {
        if (RP_REG(RP_UART_FR) & RP_UART_FR_RXFE) {
            break;
        }
        const uint32_t data = RP_REG(RP_UART_DR);
        const uint32_t next = (head + 1u) & RING_MASK;
        if (data & RP_UART_DR_OVERRUN) {
            rx.lost_bytes++;
        }
        if (next == rx.tail) {
            rx.lost_bytes++;
        } else {
            rx.bytes[head] = (uint8_t)data;
            head = next;
        }
    }
    rx.head = (uint16_t)head;
}

bool uart_is_empty(void) {
    return rx.head == rx.tail;
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
    return count;
}

/* Nothing can stop the transmitter (no flow control), so the wait is 11 us; the watchdog bounds it.
 */
void uart_send(uint8_t byte) {
    while (RP_REG(RP_UART_FR) & RP_UART_FR_TXFF) {
    }
    RP_REG(RP_UART_DR) = byte;
}

void uart_drain(void) {
    while (RP_REG(RP_UART_FR) & RP_UART_FR_BUSY) {
    }
}
