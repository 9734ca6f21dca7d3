#include <string.h>

#include "handlers.h"

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Sends part of an object in the arena, as much of it as asked for and as fits a frame. */
static int answer_bytes(jsa_agent *agent, const jsa_request *request, uint32_t object_offset,
                        uint32_t object_bytes, uint32_t offset, uint16_t length) {
    /* OUTPUT and ARENA are answered alike: the offset, then the bytes. */
    jsp_output_answer answer;
    uint32_t count;
    if (offset > object_bytes) {
        agent->fault.needed = offset;
        agent->fault.available = object_bytes;
        return JSP_E_BAD_RANGE;
    }
    count = least(least(object_bytes - offset, length), JSA_MAX_PAYLOAD_BYTES - sizeof answer);
    answer.offset = offset;
    jsa_answer(agent, request, &answer, sizeof answer,
               agent->plan.engine.arena + object_offset + offset, (uint16_t)count);
    return JSP_E_OK;
}

int jsa_handle_output(jsa_agent *agent, const jsa_request *request) {
    jsp_output_request output;
    const JR_PLAN jsp_plan_io *io;
    const JR_PLAN jsp_plan_tensor *tensor;
    if (request->payload_bytes != sizeof output) {
        return JSP_E_BAD_REQUEST;
    }
    if (!agent->plan.loaded) {
        return JSP_E_NO_PLAN;
    }
    memcpy(&output, request->payload, sizeof output);
    agent->fault.index = output.index;
    io = jr_output_io(&agent->plan.engine, output.index);
    if (io == NULL) {
        return JSP_E_BAD_INDEX;
    }
    tensor = jr_tensor(&agent->plan.engine, io->tensor);
    return answer_bytes(agent, request, tensor->arena_offset, tensor->size_bytes, output.offset,
                        output.length);
}

int jsa_handle_arena(jsa_agent *agent, const jsa_request *request) {
    jsp_arena_request arena;
    if (request->payload_bytes != sizeof arena) {
        return JSP_E_BAD_REQUEST;
    }
    if (!agent->plan.loaded) {
        return JSP_E_NO_PLAN;
    }
    memcpy(&arena, request->payload, sizeof arena);
    return answer_bytes(agent, request, 0, agent->plan.engine.header->arena_bytes, arena.offset,
                        arena.length);
}

int jsa_handle_profile(jsa_agent *agent, const jsa_request *request) {
    const jsa_results *results = &agent->results;
    jsp_profile_request profile;
    jsp_profile_answer answer;
    uint32_t count;
    if (request->payload_bytes != sizeof profile) {
        return JSP_E_BAD_REQUEST;
    }
    memcpy(&profile, request->payload, sizeof profile);
    if (profile.first_op > results->profile_ops) {
        agent->fault.index = profile.first_op;
        return JSP_E_BAD_INDEX;
    }
    count = least((uint32_t)results->profile_ops - profile.first_op,
                  (JSA_MAX_PAYLOAD_BYTES - sizeof answer) / sizeof results->op_ticks[0]);
    answer.op_count = results->profile_ops;
    answer.first_op = profile.first_op;
    jsa_answer(agent, request, &answer, sizeof answer, results->op_ticks + profile.first_op,
               (uint16_t)(count * sizeof results->op_ticks[0]));
    return JSP_E_OK;
}
