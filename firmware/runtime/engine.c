#include <stddef.h>

#include "check_plan.h"
#include "kernels.h"

const JR_PLAN jsp_plan_tensor *jr_op_tensor(const jr_args *args, jr_size position) {
    const JR_PLAN uint16_t *indices = (const JR_PLAN uint16_t *)(args->op + 1);
    return &args->tensors[indices[position]];
}

const int8_t *jr_input(const jr_args *args, jr_size i) {
    return (const int8_t *)(args->arena + jr_op_tensor(args, i)->arena_offset);
}

int8_t *jr_output(const jr_args *args, jr_size i) {
    return (int8_t *)(args->arena + jr_op_tensor(args, args->op->input_count + i)->arena_offset);
}

uint8_t *jr_scratch(const jr_args *args) {
    return args->arena + args->op->scratch_offset;
}

void jr_set_params(jr_args *args, uint16_t params_bytes, jr_params *room) {
    const JR_PLAN uint8_t *source = (const JR_PLAN uint8_t *)args->op + args->op->params_offset;
#if JR_PLAN_IS_APART
    uint8_t *copy = (uint8_t *)room;
    args->params = room;
    for (; params_bytes > 0; params_bytes--) {
        *copy++ = *source++;
    }
#else
    (void)params_bytes;
    (void)room;
    args->params = source;
#endif
}

static jr_args first_op(const jr_engine *engine) {
    jr_args args;
    args.plan = engine->plan;
    args.op = (const JR_PLAN jsp_plan_op *)(engine->plan + (jr_size)engine->header->ops_offset);
    args.tensors =
        (const JR_PLAN jsp_plan_tensor *)(engine->plan + (jr_size)engine->header->tensors_offset);
    args.params = NULL;
    args.arena = engine->arena;
    return args;
}

int jr_load(jr_engine *engine, const JR_PLAN uint8_t *plan, jr_size plan_bytes, uint8_t *arena,
            jr_size arena_bytes, jr_fault *fault) {
    jr_args args;
    int error;
    fault->index = JSP_NO_INDEX;
    fault->needed = 0;
    fault->available = 0;
    error = jr_check_container(plan, plan_bytes, arena_bytes, fault);
    if (error != JSP_E_OK) {
        return error;
    }
    engine->plan = plan;
    engine->header = (const JR_PLAN jsp_plan_header *)plan;
    engine->arena = arena;
    args = first_op(engine);
    return jr_check_ops(&args, fault);
}

void jr_run(const jr_engine *engine, uint16_t op_limit, const jr_hooks *hooks) {
    jr_args args = first_op(engine);
#if JR_PLAN_IS_APART
    jr_params *const params = engine->params;
#else
    jr_params *const params = NULL;
#endif
    uint16_t count = engine->header->op_count;
    uint16_t i;
    if (op_limit < count) {
        count = op_limit;
    }
    for (i = 0; i < count; i++) {
        const JR_PLAN jr_kernel *kernel = jr_find_kernel(args.op->kind);
        if (hooks != NULL && hooks->before_op != NULL) {
            hooks->before_op(hooks->context, i);
        }
        jr_set_params(&args, kernel->params_bytes, params);
        kernel->run(&args);
        if (hooks != NULL && hooks->after_op != NULL) {
            hooks->after_op(hooks->context, i);
        }
        args.op =
            (const JR_PLAN jsp_plan_op *)((const JR_PLAN uint8_t *)args.op + args.op->record_bytes);
    }
}

const JR_PLAN jsp_plan_tensor *jr_tensor(const jr_engine *engine, uint16_t index) {
    if (index >= engine->header->tensor_count) {
        return NULL;
    }
    return (const JR_PLAN jsp_plan_tensor *)(engine->plan + engine->header->tensors_offset) + index;
}

/* The tensor of entry `position` of the contract, inputs first. */
static jr_block contract_block(const jr_engine *engine, uint16_t position) {
    const JR_PLAN jsp_plan_io *records =
        (const JR_PLAN jsp_plan_io *)(engine->plan + engine->header->io_offset);
    const JR_PLAN jsp_plan_tensor *tensor = jr_tensor(engine, records[position].tensor);
    jr_block block;
    block.bytes = engine->arena + (jr_size)tensor->arena_offset;
    block.count = (jr_size)tensor->size_bytes;
    return block;
}

jr_block jr_input_block(const jr_engine *engine, uint16_t index) {
    const jr_block none = {NULL, 0};
    return index < engine->header->input_count ? contract_block(engine, index) : none;
}

jr_block jr_output_block(const jr_engine *engine, uint16_t index) {
    const jr_block none = {NULL, 0};
    return index < engine->header->output_count
               ? contract_block(engine, (uint16_t)(engine->header->input_count + index))
               : none;
}
