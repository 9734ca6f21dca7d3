/*
 * Registers of the Cortex-M33 itself, alike on the part and on the emulated machine. Names are
 * those of the Armv8-M Architecture Reference Manual (DDI 0553), chapter D1.2, in alphabetical
 * order there.
 */
#ifndef UNO_Q_CORTEX_M33_H
#define UNO_Q_CORTEX_M33_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

#define AIRCR             REG(0xe000ed0cu)
#define AIRCR_SYSRESETREQ ((0x05fau << 16) | (1u << 2)) /* with VECTKEY */

#define DEMCR        REG(0xe000edfcu)
#define DEMCR_TRCENA (1u << 24)

#define DWT_CTRL           REG(0xe0001000u)
#define DWT_CTRL_CYCCNTENA (1u << 0)
#define DWT_CYCCNT         REG(0xe0001004u)

#define ICSR           REG(0xe000ed04u)
#define ICSR_PENDSTCLR (1u << 25)

#define NVIC_ISER(irq) REG(0xe000e100u + 4u * ((irq) / 32u))
#define NVIC_BIT(irq)  (1u << ((irq) % 32u))

#define SYST_CSR            REG(0xe000e010u)
#define SYST_CSR_ENABLE     (1u << 0)
#define SYST_CSR_TICKINT    (1u << 1)
#define SYST_CSR_CORE_CLOCK (1u << 2) /* CLKSOURCE */
#define SYST_RVR            REG(0xe000e014u)
#define SYST_CVR            REG(0xe000e018u)

/* Returns what interrupts_restore() takes. */
static inline uint32_t interrupts_off(void) {
    uint32_t primask;
    __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(primask) : : "memory");
    return primask;
}

static inline void interrupts_restore(uint32_t primask) {
    __asm volatile("msr primask, %0" : : "r"(primask) : "memory");
}

#endif
