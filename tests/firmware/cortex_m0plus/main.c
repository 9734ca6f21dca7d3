/*
 * Loads and runs the plan that the harness (core.mjs) has put into flash. Talks to it
 * by breakpoints alone: `bkpt 1` marks an op's beginning, `bkpt 2` its end, `bkpt 0` ends the
 * run with the load's result in r0.
 */
#include "jump_rt.h"

#define ARENA_ADDRESS 0x20010000u
#define PLAN_ADDRESS  0x10080000u

static void before_op(void *context, uint16_t op) {
    (void)context;
    (void)op;
    __asm volatile("bkpt 1");
}

static void after_op(void *context, uint16_t op) {
    (void)context;
    (void)op;
    __asm volatile("bkpt 2");
}

/* The harness calls this with r0 the plan's size, r1 the arena's. */
void main(uint32_t plan_bytes, uint32_t arena_bytes);
void main(uint32_t plan_bytes, uint32_t arena_bytes) {
    const jr_hooks hooks = {before_op, after_op, 0};
    jr_engine engine;
    jr_fault fault;
    register int result __asm("r0") = jr_load(&engine, (const uint8_t *)PLAN_ADDRESS, plan_bytes,
                                              (uint8_t *)ARENA_ADDRESS, arena_bytes, &fault);
    if (result == JSP_E_OK) {
        __asm volatile("bkpt 3");
        jr_run(&engine, JSP_ALL_OPS, &hooks);
        __asm volatile("bkpt 4");
        result = JSP_E_OK;
    }
    __asm volatile("bkpt 0" ::"r"(result));
}
