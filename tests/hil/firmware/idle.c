/* Waits for interrupts with a tick of 1 ms, as an idle agent does; echoes what comes. */
#include "pico.h"

static volatile uint32_t ticks;

void systick_handler(void);
void systick_handler(void) {
    ticks++;
}

void uart0_handler(void);
void uart0_handler(void) {
    while (!(UART_FR & UART_RXFE)) {
        UART_DR = UART_DR;
    }
}

void test_main(void) {
    SYSTICK_RVR = 133000 - 1;
    SYSTICK_CVR = 0;
    SYSTICK_CSR = 7;
    UART_IMSC = (1u << 4) | (1u << 6);
    NVIC_ISER = 1u << 20;
    for (;;) {
        __asm volatile("wfi");
        if (ticks == 1000) {
            ticks = 0;
            put('.');
        }
    }
}
