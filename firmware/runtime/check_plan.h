/* Checks of the plan's container: everything but the ops' own parameters. */
#ifndef JR_CHECK_PLAN_H
#define JR_CHECK_PLAN_H

#include "jr_kernel.h"

/* Header, CRC, arena size, tables, tensors, input/output contract. As jr_load. */
int jr_check_container(const JR_PLAN uint8_t *plan, uint32_t plan_bytes, uint32_t arena_bytes,
                       jr_fault *fault);

/*
 * Every op: record, tensor indices, scratch, and its kernel's check. The container was
 * checked; `args` has plan, tensors, arena and their sizes.
 */
int jr_check_ops(jr_args *args, jr_fault *fault);

#endif
