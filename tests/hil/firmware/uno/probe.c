/** Does on command what the part forgives and what it does not. */
#include <avr/pgmspace.h>
#include <avr/sleep.h>

#include "uno.h"

enum { TX_BURST_BYTES = 20, RX_BURST_BYTES = 400, LATE_BYTES = 3 };

/** Cycles between two points, up to 16 s: Timer 1 at clk / 256. */
static void start_stopwatch(void) {
    TCCR1B = 0;
    TCNT1 = 0;
    TCCR1B = _BV(CS12);
}

static volatile uint16_t depth;

/** Without end; what is done after the call keeps it a call. */
static void deep(void) {
    depth++;
    deep();
    depth--;
}

static void send_name(void) {
    for (uint8_t round = 0; round < 2; round++) {
        for (uint8_t value; (value = *(volatile uint8_t *)0xf0) != 0;) {
            uart_send(value);
        }
        uart_send('\n');
    }
}

/** Lets `characters` arrive unread, then reads what is left: status and value of each. */
static void receive_late(uint8_t characters) {
    TCCR0B = 0;
    for (; characters > 0; characters--) {
        TCNT0 = 0;
        TCCR0B = _BV(CS01) | _BV(CS00); /* clk / 64: 100 counts are 20 characters of 20 us */
        while (TCNT0 < 100) {
        }
    }
    for (uint8_t index = 0; index < LATE_BYTES; index++) {
        const uint8_t status = UCSR0A;
        send_number((uint16_t)(status << 8) | UDR0);
    }
}

static void time_reception(void) {
    uart_receive();
    start_stopwatch();
    for (uint16_t count = 1; count < RX_BURST_BYTES; count++) {
        uart_receive();
    }
    send_number(TCNT1);
}

static void time_transmission(void) {
    start_stopwatch();
    for (uint16_t count = 0; count < RX_BURST_BYTES; count++) {
        uart_send('x');
        UCSR0A = _BV(U2X0) | _BV(TXC0);
    }
    while (!(UCSR0A & _BV(TXC0))) {
    }
    send_number(TCNT1);
}

/** The line is at 500 kbaud, the board at 1 Mbaud while a character comes. */
static void receive_at_wrong_rate(void) {
    UBRR0 = 1;
    while (!(UCSR0A & _BV(RXC0))) {
    }
    const uint8_t status = UCSR0A;
    (void)UDR0;
    UBRR0 = 3;
    send_number(status);
}

/** Interrupts at a compare match in CTC mode, as the overflow of timer 2 sees them. */
static void count_matches(void) {
    OCR1A = 1000 - 1;
    TCCR1B = _BV(WGM12) | _BV(CS10);
    TIFR1 = _BV(OCF1A);
    uint16_t matches = 0;
    TCNT2 = 0;
    TIFR2 = _BV(TOV2);
    TCCR2B = _BV(CS22) | _BV(CS21) | _BV(CS20); /* clk / 1024: overflows after 262,144 cycles */
    while (!(TIFR2 & _BV(TOV2))) {
        if (TIFR1 & _BV(OCF1A)) {
            TIFR1 = _BV(OCF1A);
            matches++;
        }
    }
    TCCR2B = 0;
    TCCR1B = 0;
    send_number(matches);
}

static void offend(uint8_t command) {
    switch (command) {
    case 'r':
        (void)*(volatile uint8_t *)(RAMEND + 1);
        break;
    case 'w':
        *(volatile uint8_t *)(RAMEND + 1) = 1;
        break;
    case 'l':
        __asm__ volatile("lpm r24, Z" ::"z"(0x8000) : "r24");
        break;
    case 'j':
        ((void (*)(void))0x4000)();
        break;
    case 'u':
        __asm__ volatile(".word 0xffff");
        break;
    case 'x':
        __asm__ volatile(".word 0x9204"); /* XCH Z, r0: of later cores */
        break;
    case 'p':
        __asm__ volatile(".word 0x91ad"); /* LD r26, X+: undefined */
        break;
    case 's':
        __asm__ volatile("spm");
        break;
    case 'S':
        SPMCSR = _BV(SPMEN);
        break;
    case 'k':
        __asm__ volatile("break");
        break;
    case 'd':
        deep();
        break;
    case 'q':
        SP = RAMEND;
        __asm__ volatile("pop r24" ::: "r24");
        break;
    case 'i':
        *(volatile uint8_t *)0xf0 = 1;
        break;
    case 'I':
        (void)*(volatile uint8_t *)0xff;
        break;
    case 'a':
        ADCSRA = _BV(ADEN);
        break;
    case 'g':
        TCCR1A = _BV(WGM11);
        break;
    case 'G':
        PRR = _BV(PRTIM1);
        TCNT1 = 0;
        break;
    case 'z':
        set_sleep_mode(SLEEP_MODE_PWR_DOWN);
        sleep_enable();
        sleep_cpu();
        break;
    }
}

int main(void) {
    uart_start();
    for (;;) {
        switch (uart_receive()) {
        case 'n':
            send_name();
            break;
        case 'e':
            time_reception();
            break;
        case 'b':
            time_transmission();
            break;
        case 'o':
            receive_late(1);
            break;
        case 't':
            for (uint8_t value = 0; value < TX_BURST_BYTES; value++) {
                UDR0 = value;
            }
            break;
        case 'f':
            receive_at_wrong_rate();
            break;
        case 'c':
            count_matches();
            break;
        case 'g':
            PORTB = 0xa5;
            PINB = _BV(PINB0);  /* toggles: section 14.2.2 */
            PINB |= _BV(PINB1); /* SBI: toggles this one alone */
            send_number(PORTB);
            break;
        case '!':
            offend(uart_receive());
            break;
        }
    }
}
