/* The STM32U585 of the Arduino UNO Q. */
#include "chip.h"

#include <string.h>

#include "jsp_protocol.h"
#include "stm32u585.h"

/* Each wait below ends within some milliseconds on a part that works; at 4 MHz, the clock after a
 * reset, this is a second. */
#define WAIT_READS 500000u

/* High during the timed region, for a logic analyser or a power meter: D7 is PB2. */
#define TIMED_PIN 2u

static void wait_for_bits(const volatile uint32_t *address, uint32_t bits) {
    for (uint32_t reads = 0; reads < WAIT_READS; reads++) {
        if ((*address & bits) == bits) {
            return;
        }
    }
    restart_after_fault();
}

/* The board's crystal: 16 MHz * 20 / 2 = 160 MHz. Above 55 MHz the regulator's booster must be on,
 * its clock between 4 and 16 MHz [Power control (PWR), dynamic voltage scaling]. */
static void start_clocks(void) {
    RCC_AHB3ENR |= RCC_AHB3ENR_PWREN;
    (void)RCC_AHB3ENR; /* two cycles until the clock is on */
    PWR_VOSR = PWR_VOSR_VOS_RANGE_1;
    wait_for_bits(&PWR_VOSR, PWR_VOSR_VOSRDY);

    RCC_CR |= RCC_CR_HSEON;
    wait_for_bits(&RCC_CR, RCC_CR_HSERDY);
    RCC_PLL1CFGR = RCC_PLL1CFGR_SRC_HSE | RCC_PLL1CFGR_RGE_8_16MHZ | RCC_PLL1CFGR_M(1u) |
                   RCC_PLL1CFGR_MBOOST_HALF | RCC_PLL1CFGR_REN;
    RCC_PLL1DIVR =
        RCC_PLL1DIVR_N(20u) | RCC_PLL1DIVR_P(2u) | RCC_PLL1DIVR_Q(2u) | RCC_PLL1DIVR_R(2u);
    PWR_VOSR = PWR_VOSR_VOS_RANGE_1 | PWR_VOSR_BOOSTEN;
    wait_for_bits(&PWR_VOSR, PWR_VOSR_BOOSTRDY);
    RCC_CR |= RCC_CR_PLL1ON;
    wait_for_bits(&RCC_CR, RCC_CR_PLL1RDY);

    FLASH_ACR = FLASH_ACR_LATENCY_4 | FLASH_ACR_PRFTEN;
    wait_for_bits(&FLASH_ACR, FLASH_ACR_LATENCY_4);
    ICACHE_CR |= ICACHE_CR_EN;
    RCC_CFGR1 = RCC_CFGR1_SW_PLL1;
    wait_for_bits(&RCC_CFGR1, RCC_CFGR1_SWS_PLL1);
}

void chip_init(void) {
    start_clocks();
    PWR_SVMCR |= PWR_SVMCR_IO2SV;
    RCC_AHB2ENR1 |= RCC_AHB2ENR1_GPIOBEN | RCC_AHB2ENR1_GPIOGEN;
    (void)RCC_AHB2ENR1;
    GPIO_MODER(GPIOB) = (GPIO_MODER(GPIOB) & ~GPIO_TWO_BITS(TIMED_PIN, GPIO_MODER_ANALOG)) |
                        GPIO_TWO_BITS(TIMED_PIN, GPIO_MODER_OUTPUT);
}

void chip_identify(port_info *info) {
    info->emulator = "";
    info->uid_bytes = UID_BYTES;
    memcpy(info->uid, (const void *)UID_ADDRESS, UID_BYTES);
}

/* Every reset pulls NRST, so PINRSTF alone means the pin; after power-on BORRSTF is set too. */
uint8_t chip_reset_cause(restart_mark mark) {
    const uint32_t flags = RCC_CSR;
    RCC_CSR = RCC_CSR_RMVF;
    if (flags & RCC_CSR_BORRSTF) {
        return JSP_RESET_POWER_ON;
    }
    if (flags & (RCC_CSR_IWDGRSTF | RCC_CSR_WWDGRSTF)) {
        return JSP_RESET_WATCHDOG;
    }
    if (flags & RCC_CSR_SFTRSTF) {
        return mark == MARK_FAULT ? JSP_RESET_WATCHDOG : JSP_RESET_SOFTWARE;
    }
    return (flags & RCC_CSR_PINRSTF) ? JSP_RESET_PIN : JSP_RESET_UNKNOWN;
}

/* 4096 * 64 / 32 kHz = 8.2 s. Nothing stops it again. */
void chip_start_watchdog(void) {
    IWDG_KR = IWDG_KR_START;
    IWDG_KR = IWDG_KR_UNLOCK;
    IWDG_PR = IWDG_PR_64;
    IWDG_RLR = IWDG_RLR_MAX;
    IWDG_KR = IWDG_KR_RELOAD;
}

void chip_feed_watchdog(void) {
    IWDG_KR = IWDG_KR_RELOAD;
}

void chip_set_timed_pin(bool high) {
    GPIO_BSRR(GPIOB) = high ? GPIO_BSRR_HIGH(TIMED_PIN) : GPIO_BSRR_LOW(TIMED_PIN);
}
