/*
 * The emulated machine's peripherals, in its secure memory map. Sections in brackets are those of
 * the CMSDK's Technical Reference Manual (Arm DDI 0479); addresses and interrupts those of the
 * Application Note AN505 (Arm DAI 0505), sections 3.3 and 3.7.
 */
#ifndef UNO_Q_AN505_H
#define UNO_Q_AN505_H

#include "cortex_m33.h"

#define PERIPHERAL_HZ 20000000u /* of the machine's timers, watchdog and SysTick */

/* APB timer [4.3.2]: counts down from RELOAD */
#define TIMER0_CTRL       REG(0x50000000u)
#define TIMER0_VALUE      REG(0x50000004u)
#define TIMER0_RELOAD     REG(0x50000008u)
#define TIMER_CTRL_ENABLE (1u << 0)

/* APB UART [4.3.3] */
#define UART_DATA(uart)     REG((uart) + 0x00u)
#define UART_STATE(uart)    REG((uart) + 0x04u)
#define UART_STATE_TX_FULL  (1u << 0)
#define UART_STATE_RX_FULL  (1u << 1)
#define UART_CTRL(uart)     REG((uart) + 0x08u)
#define UART_CTRL_TX        (1u << 0)
#define UART_CTRL_RX        (1u << 1)
#define UART_CTRL_RX_INT    (1u << 3)
#define UART_INTCLEAR(uart) REG((uart) + 0x0cu)
#define UART_INT_RX         (1u << 1)
#define UART_BAUDDIV(uart)  REG((uart) + 0x10u)
#define UART_BAUDDIV_LEAST  16u
#define UART0               0x50200000u
#define UART1               0x50201000u
/* The combined one: some QEMU (8.2.2) have the receiver's and the transmitter's swapped. */
#define IRQ_UART0 42u

/* APB watchdog [4.3.5]: an NMI when it reaches 0, a reset when it does so again */
#define WDOG_LOAD          REG(0x50081000u)
#define WDOG_CONTROL       REG(0x50081008u)
#define WDOG_CONTROL_INTEN (1u << 0)
#define WDOG_CONTROL_RESEN (1u << 1)
#define WDOG_INTCLR        REG(0x5008100cu)
#define WDOG_LOCK          REG(0x50081c00u)
#define WDOG_LOCK_OPEN     0x1acce551u

#endif
