/*
 * What jr_load checks. A build has one of two: check_plan.c, for plans that come over a link, or
 * check_programmed.c, for a plan that came with the firmware's own image.
 */
#ifndef JR_CHECK_PLAN_H
#define JR_CHECK_PLAN_H

#include "jr_kernel.h"

/* Magic, version, sizes, CRC, arena size and weight layout. As jr_load. */
int jr_check_header(const JR_PLAN jsp_plan_header *header, jr_size plan_bytes, jr_size arena_bytes,
                    jr_fault *fault);

/* The header, tables, tensors, input/output contract. As jr_load. */
int jr_check_container(const JR_PLAN uint8_t *plan, jr_size plan_bytes, jr_size arena_bytes,
                       jr_fault *fault);

/*
 * Every op: record, tensor indices, scratch, and its kernel's check. The container was
 * checked; `args` has plan, tensors, arena and their sizes.
 */
int jr_check_ops(jr_args *args, jr_fault *fault);

#endif
