/** Sleeps between interrupts: Timer 1 runs at the system clock, a dot a second; every character
 * comes back. */
#include <avr/sleep.h>

#include "uno.h"

enum { OVERFLOWS_PER_SECOND = 244 }; /* 16 MHz / 65,536 */

static volatile uint8_t overflows;

ISR(TIMER1_OVF_vect) {
    overflows++;
}

ISR(USART_RX_vect) {
    uart_send(UDR0);
}

int main(void) {
    uart_start();
    UCSR0B |= _BV(RXCIE0);
    TIMSK1 = _BV(TOIE1);
    TCCR1B = _BV(CS10);
    set_sleep_mode(SLEEP_MODE_IDLE);
    sleep_enable();
    for (;;) {
        cli();
        if (overflows >= OVERFLOWS_PER_SECOND) {
            overflows = 0;
            uart_send('.');
        }
        sei();
        sleep_cpu();
    }
}
