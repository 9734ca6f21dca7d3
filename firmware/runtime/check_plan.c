#include "check_plan.h"

#include <stddef.h>

#include "check_common.h"
#include "kernels.h"

static bool is_inside(uint32_t offset, uint32_t bytes, uint32_t limit) {
    return offset <= limit && bytes <= limit - offset;
}

static int check_table(uint32_t offset, uint32_t count, uint32_t record_bytes,
                       uint32_t plan_bytes) {
    if ((offset & 3u) != 0) {
        return JSP_E_PLAN_ALIGNMENT;
    }
    return is_inside(offset, jr_product(count, record_bytes), plan_bytes) ? JSP_E_OK
                                                                          : JSP_E_PLAN_TABLE;
}

/* Where the tables lie. */
static int check_tables(const JR_PLAN jsp_plan_header *header) {
    const uint32_t plan_bytes = header->total_bytes;
    int error;
    if (header->persistent_bytes > header->arena_bytes) {
        return JSP_E_PLAN_TENSOR;
    }
    error = check_table(header->tensors_offset, header->tensor_count, sizeof(jsp_plan_tensor),
                        plan_bytes);
    if (error == JSP_E_OK) {
        error = check_table(header->ops_offset, header->ops_bytes, 1u, plan_bytes);
    }
    if (error == JSP_E_OK) {
        error = check_table(header->io_offset, (uint32_t)header->input_count + header->output_count,
                            sizeof(jsp_plan_io), plan_bytes);
    }
    if (error == JSP_E_OK &&
        !is_inside(header->strings_offset, header->strings_bytes, plan_bytes)) {
        error = JSP_E_PLAN_TABLE;
    }
    return error;
}

/* Bytes that a tensor's shape implies; JR_TOO_LARGE or 0 if none can hold. */
static uint32_t tensor_bytes(uint8_t dtype, uint32_t elements) {
    switch (dtype) {
    case JSP_DTYPE_INT4:
        return elements / 2u + elements % 2u;
    case JSP_DTYPE_INT8:
        return elements;
    case JSP_DTYPE_INT16:
        return jr_product(elements, 2u);
    case JSP_DTYPE_INT32:
    case JSP_DTYPE_FLOAT32:
        return jr_product(elements, 4u);
    default:
        return 0;
    }
}

static int check_tensor(const JR_PLAN uint8_t *plan, const JR_PLAN jsp_plan_header *header,
                        const JR_PLAN jsp_plan_tensor *tensor, jr_fault *fault) {
    const JR_PLAN uint32_t *shape;
    uint32_t elements = 1;
    uint8_t i;
    int error;
    if (tensor->rank > JSP_MAX_RANK) {
        return JSP_E_PLAN_TENSOR;
    }
    error = check_table(tensor->shape_offset, tensor->rank, sizeof(uint32_t), header->total_bytes);
    if (error != JSP_E_OK) {
        return error;
    }
    if ((tensor->arena_offset & 3u) != 0) {
        return JSP_E_PLAN_ALIGNMENT;
    }
    shape = (const JR_PLAN uint32_t *)(plan + tensor->shape_offset);
    for (i = 0; i < tensor->rank; i++) {
        elements = jr_product(elements, shape[i]);
    }
    if (tensor->size_bytes == 0 || tensor->size_bytes != tensor_bytes(tensor->dtype, elements)) {
        return JSP_E_PLAN_TENSOR;
    }
    if (!is_inside(tensor->arena_offset, tensor->size_bytes, header->arena_bytes)) {
        fault->needed = jr_sum(tensor->arena_offset, tensor->size_bytes);
        fault->available = header->arena_bytes;
        return JSP_E_PLAN_TENSOR;
    }
    return JSP_E_OK;
}

static int check_io(const JR_PLAN jsp_plan_header *header, const JR_PLAN jsp_plan_io *io) {
    if (io->tensor >= header->tensor_count) {
        return JSP_E_PLAN_TENSOR;
    }
    return is_inside(io->name_offset, io->name_bytes, header->total_bytes) ? JSP_E_OK
                                                                           : JSP_E_PLAN_TABLE;
}

int jr_check_container(const JR_PLAN uint8_t *plan, jr_size plan_bytes, jr_size arena_bytes,
                       jr_fault *fault) {
    const JR_PLAN jsp_plan_header *header = (const JR_PLAN jsp_plan_header *)plan;
    const JR_PLAN jsp_plan_tensor *tensors;
    const JR_PLAN jsp_plan_io *records;
    uint16_t i;
    int error = jr_check_header(header, plan_bytes, arena_bytes, fault);
    if (error == JSP_E_OK) {
        error = check_tables(header);
    }
    if (error != JSP_E_OK) {
        return error;
    }
    tensors = (const JR_PLAN jsp_plan_tensor *)(plan + header->tensors_offset);
    for (i = 0; i < header->tensor_count; i++) {
        error = check_tensor(plan, header, &tensors[i], fault);
        if (error != JSP_E_OK) {
            fault->index = i;
            return error;
        }
    }
    records = (const JR_PLAN jsp_plan_io *)(plan + header->io_offset);
    for (i = 0; i < (uint32_t)header->input_count + header->output_count; i++) {
        error = check_io(header, &records[i]);
        if (error != JSP_E_OK) {
            fault->index = records[i].tensor;
            return error;
        }
    }
    return JSP_E_OK;
}

/* Checks the record of args->op, of which at least `available` bytes are in the table. */
static int check_record(jr_args *args, uint32_t available, jr_fault *fault) {
    const JR_PLAN jsp_plan_header *header = (const JR_PLAN jsp_plan_header *)args->plan;
    const JR_PLAN jsp_plan_op *op = args->op;
    const JR_PLAN uint16_t *indices = (const JR_PLAN uint16_t *)(op + 1);
    const JR_PLAN jr_kernel *kernel;
    jr_params params;
    uint32_t tensor_count, i;
    if (available < sizeof(jsp_plan_op) || op->record_bytes > available ||
        (op->record_bytes & 3u) != 0 || (op->params_offset & 3u) != 0) {
        return JSP_E_PLAN_OP_RECORD;
    }
    kernel = jr_find_kernel(op->kind);
    if (kernel == NULL) {
        return JSP_E_PLAN_OP_KIND;
    }
    tensor_count = (uint32_t)op->input_count + op->output_count;
    if (tensor_count > JSP_MAX_OP_TENSORS ||
        op->params_offset < sizeof(jsp_plan_op) + tensor_count * sizeof(uint16_t) ||
        (uint32_t)op->params_offset + kernel->params_bytes > op->record_bytes) {
        return JSP_E_PLAN_OP_RECORD;
    }
    for (i = 0; i < tensor_count; i++) {
        if (indices[i] >= header->tensor_count) {
            return JSP_E_PLAN_OP_RECORD;
        }
    }
    if (op->scratch_bytes != 0) {
        if ((op->scratch_offset & 15u) != 0) {
            return JSP_E_PLAN_ALIGNMENT;
        }
        if (!is_inside(op->scratch_offset, op->scratch_bytes, header->arena_bytes)) {
            fault->needed = jr_sum(op->scratch_offset, op->scratch_bytes);
            fault->available = header->arena_bytes;
            return JSP_E_PLAN_SCRATCH;
        }
    }
    jr_set_params(args, kernel->params_bytes, &params);
    return kernel->check(args);
}

int jr_check_ops(jr_args *args, jr_fault *fault) {
    const JR_PLAN jsp_plan_header *header = (const JR_PLAN jsp_plan_header *)args->plan;
    uint32_t offset = 0;
    uint16_t i;
    for (i = 0; i < header->op_count; i++) {
        int error;
        args->op = (const JR_PLAN jsp_plan_op *)(args->plan + header->ops_offset + offset);
        error = check_record(args, header->ops_bytes - offset, fault);
        if (error != JSP_E_OK) {
            fault->index = i;
            return error;
        }
        offset += args->op->record_bytes;
    }
    return JSP_E_OK;
}
