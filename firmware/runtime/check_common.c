#include "check_common.h"

#include "int4.h"

uint32_t jr_product(uint32_t a, uint32_t b) {
    return b != 0 && a > JR_TOO_LARGE / b ? JR_TOO_LARGE : a * b;
}

uint32_t jr_input_bytes(const jr_args *args, jr_size i) {
    return jr_op_tensor(args, i)->size_bytes;
}

uint32_t jr_output_bytes(const jr_args *args) {
    return jr_op_tensor(args, args->op->input_count)->size_bytes;
}

uint32_t jr_sum(uint32_t a, uint32_t b) {
    return a > JR_TOO_LARGE - b ? JR_TOO_LARGE : a + b;
}

uint32_t jr_elements(const uint32_t *dims, uint32_t count) {
    uint32_t elements = 1;
    uint32_t i;
    for (i = 0; i < count; i++) {
        if (dims[i] == 0) {
            return 0;
        }
        elements = jr_product(elements, dims[i]);
    }
    return elements;
}

uint32_t jr_last_element(const uint32_t *dims, const uint32_t *strides, uint32_t count) {
    uint32_t last = 0;
    uint32_t i;
    for (i = 0; i < count; i++) {
        last = jr_sum(last, jr_product(dims[i] - 1u, strides[i]));
    }
    return last;
}

int jr_check_data(const jr_args *args, uint32_t offset, uint32_t count, uint32_t element_bytes) {
    const uint32_t plan_bytes = ((const JR_PLAN jsp_plan_header *)args->plan)->total_bytes;
    if (offset % element_bytes != 0) {
        return JSP_E_PLAN_ALIGNMENT;
    }
    if (offset > plan_bytes || jr_product(count, element_bytes) > plan_bytes - offset) {
        return JSP_E_PLAN_DATA;
    }
    return JSP_E_OK;
}

uint32_t jr_row_bytes(const jr_args *args, uint32_t weights) {
    return weights != JR_TOO_LARGE && jr_has_int4_weights(args) ? jr_int4_row_bytes(weights)
                                                                : jr_round_up_4(weights);
}

/* Tensors lie inside the arena (checked before any op), so these sums do not wrap. */
static bool is_disjoint(uint32_t a_offset, uint32_t a_bytes, uint32_t b_offset, uint32_t b_bytes) {
    return a_offset + a_bytes <= b_offset || b_offset + b_bytes <= a_offset;
}

static bool scratch_is_disjoint(const jr_args *args, const JR_PLAN jsp_plan_tensor *tensor) {
    return args->op->scratch_bytes == 0 ||
           is_disjoint(args->op->scratch_offset, args->op->scratch_bytes, tensor->arena_offset,
                       tensor->size_bytes);
}

int jr_check_tensors(const jr_args *args, uint32_t inputs, jr_in_place in_place) {
    const JR_PLAN jsp_plan_tensor *output;
    uint32_t i;
    if (args->op->input_count != inputs || args->op->output_count != 1u) {
        return JSP_E_PLAN_OP_RECORD;
    }
    output = jr_op_tensor(args, inputs);
    if (output->dtype != JSP_DTYPE_INT8) {
        return JSP_E_PLAN_DTYPE;
    }
    if (!scratch_is_disjoint(args, output)) {
        return JSP_E_PLAN_SCRATCH;
    }
    for (i = 0; i < inputs; i++) {
        const JR_PLAN jsp_plan_tensor *input = jr_op_tensor(args, i);
        if (input->dtype != JSP_DTYPE_INT8) {
            return JSP_E_PLAN_DTYPE;
        }
        if (!scratch_is_disjoint(args, input)) {
            return JSP_E_PLAN_SCRATCH;
        }
        if (!is_disjoint(input->arena_offset, input->size_bytes, output->arena_offset,
                         output->size_bytes) &&
            !(in_place == JR_IN_PLACE && input->arena_offset == output->arena_offset &&
              input->size_bytes >= output->size_bytes)) {
            return JSP_E_PLAN_TENSOR;
        }
    }
    return JSP_E_OK;
}

bool jr_is_int8(int32_t value) {
    return value >= INT8_MIN && value <= INT8_MAX;
}

bool jr_is_activation(int32_t activation_min, int32_t activation_max) {
    return activation_min >= INT8_MIN && activation_min <= activation_max &&
           activation_max <= INT8_MAX;
}

bool jr_is_scaling(int32_t multiplier, int32_t shift) {
    return multiplier >= 0 && shift >= -31 && shift <= 30;
}

int jr_check_scaling(const jr_args *args, uint32_t multipliers_offset, uint32_t shifts_offset,
                     uint32_t count) {
    const JR_PLAN int32_t *multipliers;
    const JR_PLAN int8_t *shifts;
    uint32_t i;
    int error = jr_check_data(args, multipliers_offset, count, sizeof(int32_t));
    if (error == JSP_E_OK) {
        error = jr_check_data(args, shifts_offset, count, sizeof(int8_t));
    }
    if (error != JSP_E_OK) {
        return error;
    }
    multipliers = (const JR_PLAN int32_t *)(args->plan + multipliers_offset);
    shifts = (const JR_PLAN int8_t *)(args->plan + shifts_offset);
    for (i = 0; i < count; i++) {
        if (!jr_is_scaling(multipliers[i], shifts[i])) {
            return JSP_E_PLAN_PARAMETER;
        }
    }
    return JSP_E_OK;
}
