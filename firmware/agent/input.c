#include <string.h>

#include "handlers.h"

static const JR_PLAN jsp_plan_tensor *input_tensor(const jr_engine *engine, uint16_t index) {
    const JR_PLAN jsp_plan_io *io = jr_input_io(engine, index);
    return io == NULL ? NULL : jr_tensor(engine, io->tensor);
}

int jsa_handle_input(jsa_agent *agent, const jsa_request *request) {
    jsp_input_request input;
    jsp_input_answer answer;
    const JR_PLAN jsp_plan_tensor *tensor;
    uint32_t *received_bytes;
    if (request->payload_bytes < sizeof input) {
        return JSP_E_BAD_REQUEST;
    }
    if (!agent->plan.loaded) {
        return JSP_E_NO_PLAN;
    }
    memcpy(&input, request->payload, sizeof input);
    agent->fault.index = input.index;
    tensor = input_tensor(&agent->plan.engine, input.index);
    if (tensor == NULL) {
        return JSP_E_BAD_INDEX;
    }
    if (input.index >= JSA_MAX_SENT_INPUTS) {
        return JSP_E_UNSUPPORTED;
    }
    received_bytes = &agent->plan.input_received_bytes[input.index];
    if (input.offset == 0) {
        *received_bytes = 0;
    }
    if (input.offset == *received_bytes) {
        uint32_t count = request->payload_bytes - (uint32_t)sizeof input;
        if (count > tensor->size_bytes - input.offset) {
            agent->fault.needed = count;
            agent->fault.available = tensor->size_bytes - input.offset;
            return JSP_E_BAD_RANGE;
        }
        memcpy(agent->plan.engine.arena + tensor->arena_offset + input.offset,
               request->payload + sizeof input, count);
        *received_bytes += count;
    }
    answer.next_offset = *received_bytes;
    jsa_answer(agent, request, &answer, sizeof answer, NULL, 0);
    return JSP_E_OK;
}

uint16_t jsa_first_stale_input(const jsa_plan *plan) {
    for (uint16_t i = 0; i < plan->engine.header->input_count; i++) {
        if (i >= JSA_MAX_SENT_INPUTS ||
            plan->input_received_bytes[i] != input_tensor(&plan->engine, i)->size_bytes) {
            return i;
        }
    }
    return JSP_NO_INDEX;
}

void jsa_forget_inputs(jsa_plan *plan) {
    memset(plan->input_received_bytes, 0, sizeof plan->input_received_bytes);
}

static void draw(uint8_t *bytes, uint32_t count, uint32_t seed, uint16_t index) {
    uint32_t state = seed ^ (JSP_INPUT_STRIDE * ((uint32_t)index + 1));
    if (state == 0) {
        state = JSP_ZERO_STATE;
    }
    for (uint32_t i = 0; i < count; i += 4) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        memcpy(bytes + i, &state, count - i < 4 ? count - i : 4);
    }
}

void jsa_draw_inputs(const jr_engine *engine, uint32_t seed) {
    for (uint16_t i = 0; i < engine->header->input_count; i++) {
        const JR_PLAN jsp_plan_tensor *tensor = input_tensor(engine, i);
        draw(engine->arena + tensor->arena_offset, tensor->size_bytes, seed, i);
    }
}

uint32_t jsa_inputs_crc32(const jr_engine *engine) {
    uint32_t crc = 0;
    for (uint16_t i = 0; i < engine->header->input_count; i++) {
        const JR_PLAN jsp_plan_tensor *tensor = input_tensor(engine, i);
        crc = jr_crc32(crc, engine->arena + tensor->arena_offset, tensor->size_bytes);
    }
    return crc;
}
