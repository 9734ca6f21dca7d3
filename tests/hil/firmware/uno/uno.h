/** What the test images for the emulated UNO share: USART0 at 500 kbaud, polled, and numbers as
 * text. */
#ifndef UNO_H
#define UNO_H

#include <avr/interrupt.h>
#include <avr/io.h>
#include <stdint.h>

static inline void uart_start(void) {
    UCSR0A = _BV(U2X0);
    UBRR0 = 3; /* 500 kbaud, no error: table 20-7 */
    UCSR0B = _BV(RXEN0) | _BV(TXEN0);
}

static inline void uart_send(uint8_t value) {
    while (!(UCSR0A & _BV(UDRE0))) {
    }
    UDR0 = value;
}

static inline uint8_t uart_receive(void) {
    while (!(UCSR0A & _BV(RXC0))) {
    }
    return UDR0;
}

/** Eight hex digits and a line feed. */
static inline void send_number(uint32_t value) {
    for (uint8_t digit = 0; digit < 8; digit++) {
        const uint8_t nibble = value >> 28;
        uart_send(nibble < 10 ? '0' + nibble : 'a' + nibble - 10);
        value <<= 4;
    }
    uart_send('\n');
}

#endif
