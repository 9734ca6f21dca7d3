/*
 * The STM32U585's peripherals, at their non-secure addresses (TZEN = 0). In brackets stand chapters
 * of RM0456 by their titles, since their numbers differ between its revisions; in each chapter's
 * section "registers" the registers have the names used here. Addresses are from its memory map
 * [Memory and bus architecture].
 */
#ifndef UNO_Q_STM32U585_H
#define UNO_Q_STM32U585_H

#include "cortex_m33.h"

/* [Device electronic signature] */
#define UID_ADDRESS 0x0bfa0700u
#define UID_BYTES   12u

/* [Embedded flash memory (FLASH)] */
#define FLASH_ACR           REG(0x40022000u)
#define FLASH_ACR_LATENCY_4 (4u << 0) /* of 160 MHz in range 1 */
#define FLASH_ACR_PRFTEN    (1u << 8)

/* [Instruction cache (ICACHE)] */
#define ICACHE_CR    REG(0x40030400u)
#define ICACHE_CR_EN (1u << 0)

/* [Power control (PWR)] */
#define PWR_VOSR             REG(0x4602080cu)
#define PWR_VOSR_BOOSTRDY    (1u << 14)
#define PWR_VOSR_VOSRDY      (1u << 15)
#define PWR_VOSR_VOS_RANGE_1 (3u << 16)
#define PWR_VOSR_BOOSTEN     (1u << 18)
#define PWR_SVMCR            REG(0x46020810u)
#define PWR_SVMCR_IO2SV      (1u << 29) /* VDDIO2 is there: port G works */

/* [Reset and clock control (RCC)] */
#define RCC_CR                   REG(0x46020c00u)
#define RCC_CR_HSEON             (1u << 16)
#define RCC_CR_HSERDY            (1u << 17)
#define RCC_CR_PLL1ON            (1u << 24)
#define RCC_CR_PLL1RDY           (1u << 25)
#define RCC_CFGR1                REG(0x46020c1cu)
#define RCC_CFGR1_SW_PLL1        (3u << 0)
#define RCC_CFGR1_SWS_PLL1       (3u << 2)
#define RCC_PLL1CFGR             REG(0x46020c28u)
#define RCC_PLL1CFGR_SRC_HSE     (3u << 0)
#define RCC_PLL1CFGR_RGE_8_16MHZ (3u << 2)
#define RCC_PLL1CFGR_M(divider)  (((divider)-1u) << 8)
#define RCC_PLL1CFGR_MBOOST_HALF (1u << 12)
#define RCC_PLL1CFGR_REN         (1u << 18)
#define RCC_PLL1DIVR             REG(0x46020c34u)
#define RCC_PLL1DIVR_N(factor)   ((factor)-1u)
#define RCC_PLL1DIVR_P(divider)  (((divider)-1u) << 9)
#define RCC_PLL1DIVR_Q(divider)  (((divider)-1u) << 16)
#define RCC_PLL1DIVR_R(divider)  (((divider)-1u) << 24)
#define RCC_AHB2ENR1             REG(0x46020c8cu)
#define RCC_AHB2ENR1_GPIOBEN     (1u << 1)
#define RCC_AHB2ENR1_GPIOGEN     (1u << 6)
#define RCC_AHB3ENR              REG(0x46020c94u)
#define RCC_AHB3ENR_PWREN        (1u << 2)
#define RCC_APB1ENR1             REG(0x46020c9cu)
#define RCC_APB1ENR1_TIM2EN      (1u << 0)
#define RCC_APB3ENR              REG(0x46020ca8u)
#define RCC_APB3ENR_LPUART1EN    (1u << 6)
#define RCC_CSR                  REG(0x46020cf4u)
#define RCC_CSR_RMVF             (1u << 23) /* clears the flags */
#define RCC_CSR_PINRSTF          (1u << 26)
#define RCC_CSR_BORRSTF          (1u << 27) /* brown-out, power-on */
#define RCC_CSR_SFTRSTF          (1u << 28)
#define RCC_CSR_IWDGRSTF         (1u << 29)
#define RCC_CSR_WWDGRSTF         (1u << 30)

/* [General-purpose I/Os (GPIO)] */
#define GPIOB                      0x42020400u
#define GPIOG                      0x42021800u
#define GPIO_MODER(port)           REG((port) + 0x00u)
#define GPIO_MODER_OUTPUT          1u
#define GPIO_MODER_ALTERNATE       2u
#define GPIO_MODER_ANALOG          3u /* after a reset */
#define GPIO_PUPDR(port)           REG((port) + 0x0cu)
#define GPIO_PUPDR_UP              1u
#define GPIO_TWO_BITS(pin, value)  ((value) << (2u * (pin)))
#define GPIO_BSRR(port)            REG((port) + 0x18u)
#define GPIO_BSRR_HIGH(pin)        (1u << (pin))
#define GPIO_BSRR_LOW(pin)         (1u << ((pin) + 16u))
#define GPIO_AFR(port, pin)        REG((port) + 0x20u + 4u * ((pin) / 8u))
#define GPIO_FOUR_BITS(pin, value) ((value) << (4u * ((pin) % 8u)))

/* [Low-power universal asynchronous receiver transmitter (LPUART)]; the interrupt's number is in
 * [Nested vectored interrupt controller (NVIC)] */
#define LPUART1_CR1        REG(0x46002400u)
#define LPUART_CR1_UE      (1u << 0)
#define LPUART_CR1_RE      (1u << 2)
#define LPUART_CR1_TE      (1u << 3)
#define LPUART_CR1_RXFNEIE (1u << 5)
#define LPUART_CR1_FIFOEN  (1u << 29)
#define LPUART1_BRR        REG(0x4600240cu)
#define LPUART1_ISR        REG(0x4600241cu)
#define LPUART_ISR_RXFNE   (1u << 5)
#define LPUART_ISR_TC      (1u << 6)
#define LPUART_ISR_TXFNF   (1u << 7)
#define LPUART1_ICR        REG(0x46002420u)
#define LPUART_ICR_ERRORS  0x0fu /* PECF, FECF, NECF, ORECF */
#define LPUART1_RDR        REG(0x46002424u)
#define LPUART1_TDR        REG(0x46002428u)
#define LPUART_FIFO_BYTES  8u
#define IRQ_LPUART1        66u

/* [General-purpose timers (TIM2/TIM3/TIM4/TIM5)] */
#define TIM2_CR1    REG(0x40000000u)
#define TIM_CR1_CEN (1u << 0)
#define TIM2_EGR    REG(0x40000014u)
#define TIM_EGR_UG  (1u << 0)
#define TIM2_CNT    REG(0x40000024u)
#define TIM2_PSC    REG(0x40000028u)
#define TIM2_ARR    REG(0x4000002cu)

/* [Independent watchdog (IWDG)], on LSI, 32 kHz */
#define IWDG_KR        REG(0x40003000u)
#define IWDG_KR_RELOAD 0xaaaau
#define IWDG_KR_UNLOCK 0x5555u
#define IWDG_KR_START  0xccccu
#define IWDG_PR        REG(0x40003004u)
#define IWDG_PR_64     4u
#define IWDG_RLR       REG(0x40003008u)
#define IWDG_RLR_MAX   0xfffu

#endif
