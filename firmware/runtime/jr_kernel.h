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
    const void *params; /* the kind's parameter structure: in the plan, or a copy */
    uint8_t *arena;
} jr_args;

typedef struct jr_kernel {
    void (*run)(const jr_args *args);
    uint16_t params_bytes; /* the op record holds at least as many behind params_offset */
#ifndef JR_PLAN_IS_PROGRAMMED
    int (*check)(const jr_args *args); /* 0 or a negative JSP_E_PLAN_* code */
#endif
} jr_kernel;

/*
 * Sets args->params to those of args->op, which has as many. Where the plan is apart, `room` is for
 * a copy of them, which is the op's own: a kernel may work in it.
 */
void jr_set_params(jr_args *args, uint16_t params_bytes, jr_params *room);

/* Tensor of the op: its inputs come first, then its outputs. */
const JR_PLAN jsp_plan_tensor *jr_op_tensor(const jr_args *args, jr_size position);

/* Input `i` of the op in the arena. */
const int8_t *jr_input(const jr_args *args, jr_size i);

/* Output `i` of the op in the arena. */
int8_t *jr_output(const jr_args *args, jr_size i);

/* The op's scratch: op->scratch_bytes of it, 16-byte aligned; contents undefined. */
uint8_t *jr_scratch(const jr_args *args);

#endif
