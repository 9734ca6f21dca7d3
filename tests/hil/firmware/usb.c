/* One-letter commands, each an offence against the USB controller that the part would punish. */
#include "pico.h"

#define PLL_USB(offset) REG(0x4002c000 + (offset))
#define CLK_USB_CTRL    REG(0x40008054)
#define USB_RESET       (1u << 24)
#define DPRAM(offset)   REG(0x50100000 + (offset))
#define ENDPOINT1_IN    DPRAM(0x08)
#define BUFFER1_IN      DPRAM(0x88)
#define DATA1_IN        DPRAM(0x180)
#define USB_MAIN_CTRL   REG(0x50110040)
#define USB_SIE_CTRL    REG(0x5011004c)
#define USB_MUXING      REG(0x50110074)
#define USB_PWR         REG(0x50110078)
#define PULLUP          (1u << 16)
#define FULL            (1u << 15)
#define AVAILABLE       (1u << 10)
#define SECOND_FULL     (1u << 31)
#define ENABLED_BULK    ((1u << 31) | (1u << 29) | (2u << 26) | 0x180u)

static void start_clock(uint32_t divider) {
    PLL_USB(8) = 100;
    PLL_USB(4) = 0x08;
    while (!(PLL_USB(0) & 0x80000000u)) {
    }
    PLL_USB(0xc) = (5u << 16) | (divider << 12);
    PLL_USB(4) = 0;
    CLK_USB_CTRL = 1u << 11;
}

static void pull_up(void) {
    USB_MUXING = 9;
    USB_PWR = 12;
    USB_MAIN_CTRL = 1;
    USB_SIE_CTRL = PULLUP;
}

/* As the data sheet has it: what is in the buffer, then that it is there. */
static void hand_over(uint32_t word) {
    BUFFER1_IN = word;
    __asm volatile("nop\n nop\n nop");
    BUFFER1_IN = word | AVAILABLE;
}

/* Two stores in a row: in RAM, where nothing comes between them. */
static IN_RAM void hand_over_at_once(volatile uint32_t *buffer, uint32_t word, uint32_t go) {
    __asm volatile("str %1, [%0]\n str %2, [%0]" : : "l"(buffer), "l"(word), "l"(go) : "memory");
}

static void offend(char command) {
    ENDPOINT1_IN = ENABLED_BULK;
    switch (command) {
    case 'c':
        pull_up();
        break;
    case 'f':
        start_clock(4);
        pull_up();
        break;
    case 'h':
        BUFFER1_IN = FULL | 5u | AVAILABLE;
        break;
    case 'n':
        hand_over_at_once(&BUFFER1_IN, FULL | 5u, FULL | 5u | AVAILABLE);
        break;
    case 'd':
        ENDPOINT1_IN = 0;
        hand_over(FULL | 5u);
        break;
    case 'l':
        hand_over(FULL | 65u);
        break;
    case 'b':
        hand_over(FULL | 5u);
        DATA1_IN = 1;
        break;
    case '2':
        BUFFER1_IN = SECOND_FULL;
        break;
    case 'r':
        RESETS_RESET = USB_RESET;
        DATA1_IN = 1;
        break;
    default: /* no offence */
        start_clock(5);
        hand_over(FULL | 5u);
        pull_up();
        put('.');
        break;
    }
}

void test_main(void) {
    for (;;) {
        offend(get());
    }
}
