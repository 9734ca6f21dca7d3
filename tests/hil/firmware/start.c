/* Vector table and C start-up of the test images. */
#include "pico.h"

extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[],
    __stack_top[];

static void reset_handler(void) {
    for (uint32_t *to = __data_start, *from = __data_load; to < __data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = __bss_start; to < __bss_end;) {
        *to++ = 0;
    }
    board_init();
    test_main();
    for (;;) {
        __asm volatile("wfi");
    }
}

static void unexpected(void) {
    for (;;) {
        __asm volatile("bkpt #1");
    }
}

void uart0_handler(void) __attribute__((weak, alias("unexpected_alias")));
void timer0_handler(void) __attribute__((weak, alias("unexpected_alias")));
void systick_handler(void) __attribute__((weak, alias("unexpected_alias")));
void unexpected_alias(void);
void unexpected_alias(void) {
    unexpected();
}

typedef void (*vector)(void);
__attribute__((section(".vectors"), used)) static const vector vectors[16 + 26] = {
    (vector)__stack_top,
    reset_handler,
    unexpected,
    unexpected,
    [15] = systick_handler,
    [16 + 0] = timer0_handler,
    [16 + 20] = uart0_handler,
};
