/*
 * The RP2040's registers that the port uses. Numbers in brackets are sections of
 * the RP2040 datasheet (build 2023-03-02); names are its own.
 */
#ifndef RP2040_H
#define RP2040_H

#include <stdint.h>

#define RP_REG(address) (*(volatile uint32_t *)(address))
/* Writing to an alias changes the bits that are 1 in what is written [2.1.2]. */
#define RP_SET(address)   RP_REG((address) + 0x2000u)
#define RP_CLEAR(address) RP_REG((address) + 0x3000u)

/* Flash through the cache [2.6.3]; it begins with the second stage and its checksum [2.8.1.3.1]. */
#define RP_XIP_BASE    0x10000000u
#define RP_BOOT2_BYTES 256u

/* Boot ROM: 16-bit pointers at fixed addresses [2.8.3.1]. */
#define RP_ROM_FUNCTION_TABLE 0x14u
#define RP_ROM_TABLE_LOOKUP   0x18u

/* SYSINFO [2.20] */
#define RP_SYSINFO_PLATFORM      0x40000004u
#define RP_SYSINFO_PLATFORM_ASIC (1u << 1)

/* CLOCKS [2.15.7] */
#define RP_CLK_REF_CTRL        0x40008030u
#define RP_CLK_REF_SRC_BITS    3u
#define RP_CLK_REF_SRC_XOSC    2u
#define RP_CLK_REF_DIV         0x40008034u
#define RP_CLK_REF_SELECTED    0x40008038u
#define RP_CLK_SYS_CTRL        0x4000803cu
#define RP_CLK_SYS_SRC_AUX     1u
#define RP_CLK_SYS_AUXSRC_BITS (7u << 5) /* 0: clksrc_pll_sys */
#define RP_CLK_SYS_DIV         0x40008040u
#define RP_CLK_SYS_SELECTED    0x40008044u
#define RP_CLK_PERI_CTRL       0x40008048u
#define RP_CLK_PERI_ENABLE     (1u << 11) /* AUXSRC 0: clk_sys */
#define RP_CLK_USB_CTRL        0x40008054u
#define RP_CLK_USB_ENABLE      (1u << 11) /* AUXSRC 0: clksrc_pll_usb */
#define RP_CLK_USB_DIV         0x40008058u
#define RP_CLK_DIV_ONE         (1u << 8)

/* RESETS [2.14.3] */
#define RP_RESETS_RESET      0x4000c000u
#define RP_RESETS_RESET_DONE 0x4000c008u
#define RP_RESETS_IO_BANK0   (1u << 5)
#define RP_RESETS_PADS_BANK0 (1u << 8)
#define RP_RESETS_PLL_SYS    (1u << 12)
#define RP_RESETS_PLL_USB    (1u << 13)
#define RP_RESETS_SYSINFO    (1u << 19)
#define RP_RESETS_TIMER      (1u << 21)
#define RP_RESETS_UART0      (1u << 22)
#define RP_RESETS_USBCTRL    (1u << 24)

/* PSM [2.13.5]: which blocks a watchdog reset restarts. */
#define RP_PSM_WDSEL     0x40010008u
#define RP_PSM_WDSEL_ALL 0x1ffffu
#define RP_PSM_XOSC      (1u << 1)
#define RP_PSM_ROSC      (1u << 0)

/* IO_BANK0 [2.19.6.1] and PADS_BANK0 [2.19.6.3] */
#define RP_GPIO_CTRL(pin)    (0x40014004u + 8u * (pin))
#define RP_GPIO_FUNCSEL_UART 2u
#define RP_GPIO_FUNCSEL_SIO  5u
#define RP_PADS_GPIO(pin)    (0x4001c004u + 4u * (pin))
#define RP_PADS_PULL_UP      (1u << 3)
#define RP_PADS_PULL_DOWN    (1u << 2)

/* IO_QSPI [2.19.6.2] */
#define RP_QSPI_SS_CTRL         0x4001800cu
#define RP_QSPI_SS_OUTOVER_BITS (3u << 8)
#define RP_QSPI_SS_OUTOVER_LOW  (2u << 8)
#define RP_QSPI_SS_OUTOVER_HIGH (3u << 8)

/* XOSC [2.16.7] */
#define RP_XOSC_CTRL          0x40024000u
#define RP_XOSC_CTRL_ENABLE   (0xfabu << 12)
#define RP_XOSC_CTRL_1_15MHZ  0xaa0u
#define RP_XOSC_STATUS        0x40024004u
#define RP_XOSC_STATUS_STABLE (1u << 31)
#define RP_XOSC_STARTUP       0x4002400cu

/* PLL_SYS and PLL_USB [2.18.4] */
#define RP_PLL_SYS              0x40028000u
#define RP_PLL_USB              0x4002c000u
#define RP_PLL_CS(pll)          ((pll) + 0x0u)
#define RP_PLL_CS_LOCK          (1u << 31)
#define RP_PLL_PWR(pll)         ((pll) + 0x4u)
#define RP_PLL_PWR_VCOPD        (1u << 5)
#define RP_PLL_PWR_POSTDIVPD    (1u << 3)
#define RP_PLL_PWR_PD           (1u << 0)
#define RP_PLL_FBDIV_INT(pll)   ((pll) + 0x8u)
#define RP_PLL_PRIM(pll)        ((pll) + 0xcu)
#define RP_PLL_PRIM_POSTDIV1(x) ((uint32_t)(x) << 16)
#define RP_PLL_PRIM_POSTDIV2(x) ((uint32_t)(x) << 12)

/* UART0, a PL011 [4.2.8] */
#define RP_UART_DR           0x40034000u
#define RP_UART_DR_OVERRUN   (1u << 11)
#define RP_UART_FR           0x40034018u
#define RP_UART_FR_TXFF      (1u << 5)
#define RP_UART_FR_RXFE      (1u << 4)
#define RP_UART_FR_BUSY      (1u << 3)
#define RP_UART_IBRD         0x40034024u
#define RP_UART_FBRD         0x40034028u
#define RP_UART_LCR_H        0x4003402cu
#define RP_UART_LCR_H_8BITS  (3u << 5)
#define RP_UART_LCR_H_FIFOS  (1u << 4)
#define RP_UART_CR           0x40034030u
#define RP_UART_CR_RXE       (1u << 9)
#define RP_UART_CR_TXE       (1u << 8)
#define RP_UART_CR_ENABLE    (1u << 0)
#define RP_UART_IFLS         0x40034034u
#define RP_UART_IFLS_RX_HALF (2u << 3)
#define RP_UART_IMSC         0x40034038u
#define RP_UART_ICR          0x40034044u
#define RP_UART_INT_RX       (1u << 4)
#define RP_UART_INT_TIMEOUT  (1u << 6)
#define RP_UART_INT_OVERRUN  (1u << 10)
#define RP_UART_FIFO_BYTES   32u

/* TIMER [4.6.5] */
#define RP_TIMER_ALARM0     0x40054010u
#define RP_TIMER_ARMED      0x40054020u
#define RP_TIMER_TIMERAWH   0x40054024u
#define RP_TIMER_TIMERAWL   0x40054028u
#define RP_TIMER_INTR       0x40054034u
#define RP_TIMER_INTE       0x40054038u
#define RP_TIMER_ALARM0_BIT 1u

/* WATCHDOG [4.7.6] */
#define RP_WATCHDOG_CTRL         0x40058000u
#define RP_WATCHDOG_CTRL_TRIGGER (1u << 31)
#define RP_WATCHDOG_CTRL_ENABLE  (1u << 30)
#define RP_WATCHDOG_CTRL_PAUSE   (7u << 24) /* while a debugger holds a core */
#define RP_WATCHDOG_LOAD         0x40058004u
#define RP_WATCHDOG_LOAD_MAX     0xffffffu
#define RP_WATCHDOG_REASON       0x40058008u
#define RP_WATCHDOG_REASON_FORCE (1u << 1)
#define RP_WATCHDOG_REASON_TIMER (1u << 0)
#define RP_WATCHDOG_TICK         0x4005802cu
#define RP_WATCHDOG_TICK_ENABLE  (1u << 9)

/* VREG_AND_CHIP_RESET [2.10.6] */
#define RP_CHIP_RESET         0x40064008u
#define RP_CHIP_RESET_HAD_RUN (1u << 16)
#define RP_CHIP_RESET_HAD_POR (1u << 8)

/* XIP's cache [2.6.3.5]; a read of FLUSH waits until it is done. */
#define RP_XIP_CTRL_FLUSH 0x14000004u

/* SSI [4.10.13]; boot2.S has the registers that set up XIP. */
#define RP_SSI_SR      0x18000028u
#define RP_SSI_SR_RFNE (1u << 3)
#define RP_SSI_DR0     0x18000060u

/* SIO [2.3.1.7] */
#define RP_SIO_GPIO_OUT_SET 0xd0000014u
#define RP_SIO_GPIO_OUT_CLR 0xd0000018u
#define RP_SIO_GPIO_OE_SET  0xd0000024u

/* Cortex-M0+ [2.4.8] */
#define RP_SYST_CSR            0xe000e010u
#define RP_SYST_CSR_CORE_CLOCK (1u << 2)
#define RP_SYST_CSR_TICKINT    (1u << 1)
#define RP_SYST_CSR_ENABLE     (1u << 0)
#define RP_SYST_RVR            0xe000e014u
#define RP_SYST_CVR            0xe000e018u
#define RP_SYST_BITS           24u
#define RP_SYST_MASK           0xffffffu
#define RP_NVIC_ISER           0xe000e100u
#define RP_NVIC_ICER           0xe000e180u
#define RP_NVIC_ICPR           0xe000e280u
#define RP_ICSR                0xe000ed04u
#define RP_ICSR_PENDSTSET      (1u << 26)
#define RP_ICSR_PENDSTCLR      (1u << 25)

/* Interrupt numbers [2.3.2] */
#define RP_IRQ_TIMER0  0u
#define RP_IRQ_USBCTRL 5u
#define RP_IRQ_UART0   20u

/*
 * Code that runs while the flash is not readable: interrupt handlers, and what
 * erases and programs. It lives in RAM and calls nothing in flash.
 */
#define RP_RAM_CODE(name) __attribute__((noinline, section(".ram_code." name)))

static inline uint32_t rp_interrupts_off(void) {
    uint32_t primask;
    __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(primask) : : "memory");
    return primask;
}

static inline void rp_interrupts_restore(uint32_t primask) {
    __asm volatile("msr primask, %0" : : "r"(primask) : "memory");
}

#endif
