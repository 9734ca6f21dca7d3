/*
 * The inside of the runtime: what the engine gives a kernel. A kernel is a check,
 * run once when a plan is loaded, and a run, which trusts the check.
 */
#ifndef JR_KERNEL_H
#define JR_KERNEL_H

#include <stdint.h>

#include "jump_rt.h"

/* One op, resolved. Pointers into plan and arena; valid during the call. */
typedef struct jr_args {
    const JR_PLAN uint8_t *plan;
    const JR_PLAN jsp_plan_op *op;
    const JR_PLAN jsp_plan_tensor *tensors;
    const JR_PLAN void *params; /* the kind's parameter structure */
    uint8_t *arena;
    uint32_t plan_bytes;
    uint32_t arena_bytes;
} jr_args;

typedef struct jr_kernel {
    int (*check)(const jr_args *args); /* 0 or a negative JSP_E_PLAN_* code */
    void (*run)(const jr_args *args);
    uint16_t params_bytes; /* the op record holds at least as many behind params_offset */
} jr_kernel;

static inline const JR_PLAN jsp_plan_tensor *jr_op_tensor(const jr_args *args, uint32_t position) {
    const JR_PLAN uint16_t *indices = (const JR_PLAN uint16_t *)(args->op + 1);
    return &args->tensors[indices[position]];
}

/* Input `i` of the op in the arena. */
static inline const int8_t *jr_input(const jr_args *args, uint32_t i) {
    return (const int8_t *)(args->arena + jr_op_tensor(args, i)->arena_offset);
}

/* Output `i` of the op in the arena. */
static inline int8_t *jr_output(const jr_args *args, uint32_t i) {
    return (int8_t *)(args->arena +
                      jr_op_tensor(args, (uint32_t)args->op->input_count + i)->arena_offset);
}

/* The op's scratch: op->scratch_bytes of it, 16-byte aligned; contents undefined. */
static inline uint8_t *jr_scratch(const jr_args *args) {
    return args->arena + args->op->scratch_offset;
}

#endif
