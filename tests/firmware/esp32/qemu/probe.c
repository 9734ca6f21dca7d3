/* Both machines' probe; test_port.py has what its own commands mean. */
#define PROBE_READS       20000u
#define PROBE_READ_BYTES  64u
#define PROBE_FRAME_BYTES 1500u
#if defined(__riscv)
#define PROBE_TURNS(times) __asm volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+r"(times))
#else
#define PROBE_TURNS(times) __asm volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+a"(times))
#endif

#include "../../shared/probe.h"

#define LOOPS 1000u

/* One copy for every count of turns: what it costs itself then cancels out in a difference. */
__attribute__((noinline, noclone)) static uint32_t ticks_of(uint32_t turns) {
    const uint64_t from = port_ticks();
    turn(turns);
    return (uint32_t)(port_ticks() - from);
}

/* Operations that the compiler may call a library for, on the two words received. */
COMMAND compute(void) {
    union {
        uint32_t words[2];
        uint8_t bytes[8];
    } in;
    for (uint32_t had = 0; had < sizeof in;) {
        had += port_read(in.bytes + had, sizeof in - had);
    }
    const volatile uint32_t a = in.words[0], b = in.words[1];
    answer(a / b);
    answer(a % b);
    answer((uint32_t)((int32_t)a / (int32_t)b));
    const uint64_t product = (uint64_t)a * b;
    answer((uint32_t)product);
    answer((uint32_t)(product >> 32));
    const int64_t wide = (int64_t)(((uint64_t)b << 32) | a) * (int64_t)(((uint64_t)a << 32) | b);
    answer((uint32_t)wide);
    answer((uint32_t)((uint64_t)wide >> 32));
}

static void obey_own(uint8_t command) {
    switch (command) {
    case 'n':
        answer(ticks_of(2u * LOOPS) - ticks_of(LOOPS));
        break;
    case 'a':
        compute();
        break;
    case 'F': /* what no processor has */
#if defined(__riscv)
        __asm volatile("unimp");
#else
        __asm volatile("ill");
#endif
        break;
    default:
        break;
    }
}
