/* The UNO Q's probe; test_port.py has what its own commands mean. */
#define PROBE_READS        200u
#define PROBE_READ_BYTES   64u
#define PROBE_FRAME_BYTES  1500u
#define PROBE_TURNS(times) __asm volatile("1: subs %0, #1\n\tbne 1b" : "+r"(times) : : "cc")

/* Now and then too late for the ring. */
#define PROBE_WORK(received, count) turn((received) % 4096u < (count) ? 500000u : 1u)

#include "../shared/probe.h"

/* Deeper than the stack: the core's stack limit is to end it. */
static uint32_t __attribute__((noinline)) fall(uint32_t depth) {
    volatile uint8_t frame[256];
    frame[0] = (uint8_t)depth;
    return depth == 0 ? 0 : fall(depth - 1u) + frame[0];
}

static void obey_own(uint8_t command) {
    switch (command) {
    case 'F': /* what no processor has */
        __asm volatile("udf #0");
        break;
    case 'D':
        answer(fall(1000u));
        break;
    default:
        break;
    }
}
