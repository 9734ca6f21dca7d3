/*
 * For a plan that lies in the image of the firmware and that only a programmer writes. Who can
 * write it can write the code beside it, so that a check of every offset would guard nothing; what
 * remains is what an honest image gets wrong: damage, another version, too small an arena, a kind
 * of op that this build has no kernel for.
 */
#include <stddef.h>

#include "check_plan.h"
#include "kernels.h"

int jr_check_container(const JR_PLAN uint8_t *plan, jr_size plan_bytes, jr_size arena_bytes,
                       jr_fault *fault) {
    return jr_check_header((const JR_PLAN jsp_plan_header *)plan, plan_bytes, arena_bytes, fault);
}

int jr_check_ops(jr_args *args, jr_fault *fault) {
    const JR_PLAN jsp_plan_header *header = (const JR_PLAN jsp_plan_header *)args->plan;
    uint16_t i;
    for (i = 0; i < header->op_count; i++) {
        if (jr_find_kernel(args->op->kind) == NULL) {
            fault->index = i;
            return JSP_E_PLAN_OP_KIND;
        }
        args->op = (const JR_PLAN jsp_plan_op *)((const JR_PLAN uint8_t *)args->op +
                                                 args->op->record_bytes);
    }
    return JSP_E_OK;
}
