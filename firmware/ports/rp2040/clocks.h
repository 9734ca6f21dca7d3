/* The Pico's clocks: 12 MHz crystal, clk_sys and clk_peri at 133 MHz, clk_usb at 48 MHz, a tick of
 * a microsecond. */
#ifndef RP2040_CLOCKS_H
#define RP2040_CLOCKS_H

#include <stdint.h>

#define XOSC_HZ    12000000u
#define CLK_SYS_HZ 133000000u

/* Releases blocks (RP_RESETS_* bits) from reset; restarts the board if they do not come up. */
void clocks_release_from_reset(uint32_t blocks);

/* Runs first. Restarts the board if crystal or PLL do not start. */
void clocks_init(void);

#endif
