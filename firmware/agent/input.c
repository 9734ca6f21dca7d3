#include <string.h>

#include "handlers.h"

int jsa_handle_input(jsa_agent *agent) {
    const jsa_request *request = &agent->request;
    jsp_input_request input;
    jsp_input_answer answer;
    jr_block block;
    jr_size *received_bytes;
    if (!agent->plan.loaded) {
        return JSP_E_NO_PLAN;
    }
    memcpy(&input, request->payload, sizeof input);
    agent->fault.index = input.index;
    block = jr_input_block(&agent->plan.engine, input.index);
    if (block.bytes == NULL) {
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
        const jr_size count = request->payload_bytes - (jr_size)sizeof input;
        const jr_size left = block.count - *received_bytes;
        if (count > left) {
            return jsa_lacks(agent, JSP_E_BAD_RANGE, count, left);
        }
        memcpy(block.bytes + *received_bytes, request->payload + sizeof input, count);
        *received_bytes += count;
    }
    answer.next_offset = *received_bytes;
    return jsa_answer(agent, &answer, sizeof answer);
}

uint16_t jsa_first_stale_input(const jsa_plan *plan) {
    for (uint16_t i = 0; i < plan->engine.header->input_count; i++) {
        if (i >= JSA_MAX_SENT_INPUTS ||
            plan->input_received_bytes[i] != jr_input_block(&plan->engine, i).count) {
            return i;
        }
    }
    return JSP_NO_INDEX;
}

void jsa_forget_inputs(jsa_plan *plan) {
    memset(plan->input_received_bytes, 0, sizeof plan->input_received_bytes);
}

static void draw(jr_block block, uint32_t state) {
    uint32_t bytes = 0; /* of the state, as many as `left` */
    uint8_t left = 0;
    if (state == 0) {
        state = JSP_ZERO_STATE;
    }
    for (; block.count > 0; block.count--) {
        if (left == 0) {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            bytes = state;
            left = sizeof bytes;
        }
        *block.bytes++ = (uint8_t)bytes;
        bytes >>= 8;
        left--;
    }
}

void jsa_draw_inputs(const jr_engine *engine, uint32_t seed) {
    uint32_t stride = 0;
    for (uint16_t i = 0; i < engine->header->input_count; i++) {
        stride += JSP_INPUT_STRIDE;
        draw(jr_input_block(engine, i), seed ^ stride);
    }
}
