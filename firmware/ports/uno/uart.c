#include "uart.h"

#include <avr/interrupt.h>

#include "atmega328p.h"

/*
 * 500,000 baud: with 16 samples a bit exactly what the clock gives (table 20-7), while 115,200 is
 * 2.1 % off; a rate that Linux has a name for; and 320 cycles a byte, in which the interrupt and
 * the frame decoder are done with one. The board's converter runs from 16 MHz too.
 */
#define UART_BAUD 500000u
#define DIVISOR   (UNO_CLOCK_HZ / (16u * (uint32_t)UART_BAUD) - 1u)

/* The host waits for answers: a ring holds what comes while a few bytes are decoded. */
#define RING_BYTES 16u
#define RING_MASK  (RING_BYTES - 1u)

/* The interrupt writes head and bytes, main writes tail; one slot stays free. */
static struct {
    volatile uint8_t head;
    volatile uint8_t tail;
    volatile uint8_t bytes[RING_BYTES];
} rx;

void uart_init(void) {
    UBRR0 = DIVISOR;
    UCSR0A = 0; /* 16 samples a bit, which Optiboot's 8 may be set still */
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
}

/* What finds no room is lost, and the frame with it: the host repeats it. */
ISR(USART_RX_vect) {
    const uint8_t byte = UDR0;
    const uint8_t head = rx.head;
    const uint8_t next = (head + 1u) & RING_MASK;
    if (next != rx.tail) {
        rx.bytes[head] = byte;
        rx.head = next;
    }
}

bool uart_is_empty(void) {
    return rx.head == rx.tail;
}

uint8_t uart_read(uint8_t *buffer, uint8_t capacity) {
    uint8_t count = 0;
    uint8_t tail = rx.tail;
    while (count < capacity && tail != rx.head) {
        buffer[count++] = rx.bytes[tail];
        tail = (tail + 1u) & RING_MASK;
    }
    rx.tail = tail;
    return count;
}

/* Nothing can stop the transmitter (no flow control): the wait is 20 us. */
void uart_send(uint8_t byte) {
    while (!(UCSR0A & _BV(UDRE0))) {
    }
    UCSR0A = _BV(TXC0); /* cleared by writing a one (section 20.11.2) */
    UDR0 = byte;
}

void uart_drain(void) {
    while (!(UCSR0A & _BV(TXC0))) {
    }
}
