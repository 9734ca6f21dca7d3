#include "clocks.h"

#include "restart.h"
#include "rp2040.h"

/* Each wait below ends within a millisecond on a part that works; this is over 30 ms at any clock.
 */
#define WAIT_READS 1000000u

/* A PLL's oscillator runs at 12 MHz * feedback, within 750 to 1600 MHz [2.18.2]; both dividers
 * follow it. */
#define SYS_FEEDBACK 133u /* 1596 MHz / 6 / 2 = 133 MHz */
#define SYS_DIVIDER1 6u
#define SYS_DIVIDER2 2u
#define USB_FEEDBACK 100u /* 1200 MHz / 5 / 5 = 48 MHz */
#define USB_DIVIDER1 5u
#define USB_DIVIDER2 5u

/* The crystal's start-up time of 1 ms in units of 256 of its cycles [2.16.3]. */
#define XOSC_STARTUP_DELAY ((XOSC_HZ / 1000u + 128u) / 256u)

static void wait_for_bits(uint32_t address, uint32_t bits) {
    for (uint32_t reads = 0; reads < WAIT_READS; reads++) {
        if ((RP_REG(address) & bits) == bits) {
            return;
        }
    }
    restart_after_fault();
}

void clocks_release_from_reset(uint32_t blocks) {
    RP_CLEAR(RP_RESETS_RESET) = blocks;
    wait_for_bits(RP_RESETS_RESET_DONE, blocks);
}

static void start_pll(uint32_t pll, uint32_t reset, uint32_t feedback, uint32_t dividers) {
    RP_SET(RP_RESETS_RESET) = reset;
    clocks_release_from_reset(reset);
    RP_REG(RP_PLL_CS(pll)) = 1; /* REFDIV */
    RP_REG(RP_PLL_FBDIV_INT(pll)) = feedback;
    RP_CLEAR(RP_PLL_PWR(pll)) = RP_PLL_PWR_PD | RP_PLL_PWR_VCOPD;
    wait_for_bits(RP_PLL_CS(pll), RP_PLL_CS_LOCK);
    RP_REG(RP_PLL_PRIM(pll)) = dividers;
    RP_CLEAR(RP_PLL_PWR(pll)) = RP_PLL_PWR_POSTDIVPD;
}

void clocks_init(void) {
    RP_REG(RP_XOSC_STARTUP) = XOSC_STARTUP_DELAY;
    RP_REG(RP_XOSC_CTRL) = RP_XOSC_CTRL_ENABLE | RP_XOSC_CTRL_1_15MHZ;
    wait_for_bits(RP_XOSC_STATUS, RP_XOSC_STATUS_STABLE);

    /* A debugger may start the firmware with clk_sys on the PLL: leave it before the PLL is reset.
     */
    RP_CLEAR(RP_CLK_SYS_CTRL) = RP_CLK_SYS_SRC_AUX;
    wait_for_bits(RP_CLK_SYS_SELECTED, 1u << 0);
    RP_REG(RP_CLK_REF_CTRL) = RP_CLK_REF_SRC_XOSC;
    wait_for_bits(RP_CLK_REF_SELECTED, 1u << RP_CLK_REF_SRC_XOSC);
    RP_REG(RP_CLK_REF_DIV) = RP_CLK_DIV_ONE;

    start_pll(RP_PLL_SYS, RP_RESETS_PLL_SYS, SYS_FEEDBACK,
              RP_PLL_PRIM_POSTDIV1(SYS_DIVIDER1) | RP_PLL_PRIM_POSTDIV2(SYS_DIVIDER2));
    RP_REG(RP_CLK_SYS_DIV) = RP_CLK_DIV_ONE;
    RP_CLEAR(RP_CLK_SYS_CTRL) = RP_CLK_SYS_AUXSRC_BITS;
    RP_SET(RP_CLK_SYS_CTRL) = RP_CLK_SYS_SRC_AUX;
    wait_for_bits(RP_CLK_SYS_SELECTED, 1u << RP_CLK_SYS_SRC_AUX);
    RP_REG(RP_CLK_PERI_CTRL) = RP_CLK_PERI_ENABLE;

    start_pll(RP_PLL_USB, RP_RESETS_PLL_USB, USB_FEEDBACK,
              RP_PLL_PRIM_POSTDIV1(USB_DIVIDER1) | RP_PLL_PRIM_POSTDIV2(USB_DIVIDER2));
    RP_REG(RP_CLK_USB_DIV) = RP_CLK_DIV_ONE;
    RP_REG(RP_CLK_USB_CTRL) = RP_CLK_USB_ENABLE;

    /* One tick a microsecond for TIMER and watchdog. */
    RP_REG(RP_WATCHDOG_TICK) = (XOSC_HZ / 1000000u) | RP_WATCHDOG_TICK_ENABLE;
}
