/* The Pico's probe; test_port.py has what its own commands mean. */
#define PROBE_READS       500000u
#define PROBE_READ_BYTES  64u
#define PROBE_FRAME_BYTES 700u

/* SysTick has 24 bits (RP2040 data sheet, section 2.4.5.1.1). */
#define PROBE_WRAP_TICKS       (1u << 24)
#define PROBE_INTERRUPTS_OFF() __asm volatile("cpsid i" : : : "memory")
#define PROBE_INTERRUPTS_ON()  __asm volatile("cpsie i" : : : "memory")

/* IO_BANK0 STATUS of the pin (section 2.19.6.1). */
#define PROBE_PIN_STATE() (*(volatile uint32_t *)(0x40014000u + 8u * (TIMED_PIN)))

/* Now and then as long as the port says that the agent may take. */
#define PROBE_WORK(received, count)                                                                \
    if ((received) % 1024u < (count)) {                                                            \
        const port_tick from = port_ticks();                                                       \
        while (port_ticks() - from < port_get_info()->tick_hz / 1000u * 4u) {                      \
        }                                                                                          \
    }

#include "../shared/probe.h"

#define SPARE_IRQ 25u
#define NVIC_ISER (*(volatile uint32_t *)0xe000e100u)
#define NVIC_ISPR (*(volatile uint32_t *)0xe000e200u)

/* As many bytes as the next two received say, in one call of port_write(). */
COMMAND send_at_once(void) {
    uint8_t bytes[256], count[2];
    for (uint32_t had = 0; had < sizeof count;) {
        had += port_read(count + had, sizeof count - had);
    }
    for (uint32_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    port_write(bytes, count[0] | (uint32_t)(count[1] & 1u) << 8);
}

static void obey_own(uint8_t command) {
    switch (command) {
    case 'z':
        send_at_once();
        break;
    case 'F': /* an interrupt that nothing expects */
        NVIC_ISER = 1u << SPARE_IRQ;
        NVIC_ISPR = 1u << SPARE_IRQ;
        break;
    default:
        break;
    }
}
