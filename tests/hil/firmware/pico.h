/* What every test image shares: registers, start-up at 133 MHz, UART0 at 921600 baud. */
#ifndef PICO_H
#define PICO_H

#include <stdint.h>

#define REG(address)      (*(volatile uint32_t *)(address))
#define RESETS_RESET      REG(0x4000c000)
#define RESETS_DONE       REG(0x4000c008)
#define CLK_REF_CTRL      REG(0x40008030)
#define CLK_SYS_CTRL      REG(0x4000803c)
#define CLK_PERI_CTRL     REG(0x40008048)
#define XOSC_CTRL         REG(0x40024000)
#define XOSC_STATUS       REG(0x40024004)
#define PLL_CS            REG(0x40028000)
#define PLL_PWR           REG(0x40028004)
#define PLL_FBDIV         REG(0x40028008)
#define PLL_PRIM          REG(0x4002800c)
#define GPIO0_CTRL        REG(0x40014004)
#define GPIO1_CTRL        REG(0x4001400c)
#define UART_DR           REG(0x40034000)
#define UART_FR           REG(0x40034018)
#define UART_IBRD         REG(0x40034024)
#define UART_FBRD         REG(0x40034028)
#define UART_LCR_H        REG(0x4003402c)
#define UART_CR           REG(0x40034030)
#define UART_IFLS         REG(0x40034034)
#define UART_IMSC         REG(0x40034038)
#define UART_RIS          REG(0x4003403c)
#define UART_MIS          REG(0x40034040)
#define UART_ICR          REG(0x40034044)
#define TIMERAWL          REG(0x40054028)
#define TIMER_ALARM0      REG(0x40054010)
#define TIMER_INTR        REG(0x40054034)
#define TIMER_INTE        REG(0x40054038)
#define WATCHDOG_CTRL     REG(0x40058000)
#define WATCHDOG_LOAD     REG(0x40058004)
#define WATCHDOG_REASON   REG(0x40058008)
#define WATCHDOG_SCRATCH0 REG(0x4005800c)
#define WATCHDOG_TICK     REG(0x4005802c)
#define PSM_WDSEL         REG(0x40010008)
#define CHIP_RESET        REG(0x40064008)
#define SYSTICK_CSR       REG(0xe000e010)
#define SYSTICK_RVR       REG(0xe000e014)
#define SYSTICK_CVR       REG(0xe000e018)
#define NVIC_ISER         REG(0xe000e100)
#define AIRCR             REG(0xe000ed0c)
#define UART_TXFF         (1u << 5)
#define UART_RXFE         (1u << 4)
#define UART_BUSY         (1u << 3)
#define IN_RAM            __attribute__((section(".ramtext"), noinline, long_call))
#define NOINIT            __attribute__((section(".noinit")))

static inline void board_init(void) {
    RESETS_RESET = 0;
    while (RESETS_DONE != 0x01ffffffu) {
    }
    XOSC_CTRL = (0xfabu << 12) | 0xaa0u;
    while (!(XOSC_STATUS & 0x80000000u)) {
    }
    CLK_REF_CTRL = 2;
    PLL_FBDIV = 133;
    PLL_PWR = 0x08;
    while (!(PLL_CS & 0x80000000u)) {
    }
    PLL_PRIM = (6u << 16) | (2u << 12);
    PLL_PWR = 0;
    CLK_SYS_CTRL = 1;
    CLK_PERI_CTRL = 1u << 11;
    WATCHDOG_TICK = 0x200 | 12;
    GPIO0_CTRL = 2;
    GPIO1_CTRL = 2;
    /* 133 MHz / (16 * (9 + 1/64)) = 921,989 baud */
    UART_IBRD = 9;
    UART_FBRD = 1;
    UART_LCR_H = 0x70;
    UART_CR = 0x301;
    SYSTICK_RVR = 0xffffff;
    SYSTICK_CVR = 0;
    SYSTICK_CSR = 5;
}

static inline void put(char c) {
    while (UART_FR & UART_TXFF) {
    }
    UART_DR = (uint32_t)(unsigned char)c;
}

static inline char get(void) {
    while (UART_FR & UART_RXFE) {
    }
    return (char)UART_DR;
}

static inline void put_text(const char *text) {
    while (*text) {
        put(*text++);
    }
}

/* Eight hex digits and a newline. */
static inline void put_hex(uint32_t value) {
    for (int shift = 28; shift >= 0; shift -= 4) {
        uint32_t digit = (value >> shift) & 15u;
        put((char)(digit < 10 ? '0' + digit : 'a' + digit - 10));
    }
    put('\n');
}

static inline void drain(void) {
    while (UART_FR & UART_BUSY) {
    }
}

void test_main(void);

#endif
