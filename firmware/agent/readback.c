#include <string.h>

#include "handlers.h"

/* Sends part of an object in the arena, as much of it as asked for and as fits a frame. */
static int answer_part(jsa_agent *agent, jr_block object, uint32_t offset, uint16_t length) {
    /* OUTPUT and ARENA are answered alike: the offset, then the bytes. */
    jsp_output_answer answer;
    uint16_t count = JSA_MAX_PAYLOAD_BYTES - sizeof answer;
    if (offset > object.count) {
        return jsa_lacks(agent, JSP_E_BAD_RANGE, offset, object.count);
    }
    object.count -= (jr_size)offset;
    if (count > length) {
        count = length;
    }
    if (count > object.count) {
        count = (uint16_t)object.count;
    }
    answer.offset = offset;
    return jsa_answer_with(agent, &answer, sizeof answer, object.bytes + (jr_size)offset, count);
}

int jsa_handle_output(jsa_agent *agent) {
    jsp_output_request output;
    jr_block object;
    if (!agent->plan.loaded) {
        return JSP_E_NO_PLAN;
    }
    memcpy(&output, agent->request.payload, sizeof output);
    agent->fault.index = output.index;
    object = jr_output_block(&agent->plan.engine, output.index);
    if (object.bytes == NULL) {
        return JSP_E_BAD_INDEX;
    }
    return answer_part(agent, object, output.offset, output.length);
}

int jsa_handle_arena(jsa_agent *agent) {
    const jr_engine *engine = &agent->plan.engine;
    jsp_arena_request arena;
    jr_block object;
    if (!agent->plan.loaded) {
        return JSP_E_NO_PLAN;
    }
    memcpy(&arena, agent->request.payload, sizeof arena);
    object.bytes = engine->arena;
    object.count = (jr_size)engine->header->arena_bytes;
    return answer_part(agent, object, arena.offset, arena.length);
}

int jsa_handle_profile(jsa_agent *agent) {
    const jsa_results *results = &agent->results;
    jsp_profile_request profile;
    jsp_profile_answer answer;
    uint16_t count = (JSA_MAX_PAYLOAD_BYTES - sizeof answer) / sizeof results->op_ticks[0];
    memcpy(&profile, agent->request.payload, sizeof profile);
    if (profile.first_op > results->profile_ops) {
        agent->fault.index = profile.first_op;
        return JSP_E_BAD_INDEX;
    }
    if (count > results->profile_ops - profile.first_op) {
        count = (uint16_t)(results->profile_ops - profile.first_op);
    }
    answer.op_count = results->profile_ops;
    answer.first_op = profile.first_op;
    return jsa_answer_with(agent, &answer, sizeof answer, results->op_ticks + profile.first_op,
                           (uint16_t)(count * sizeof results->op_ticks[0]));
}
