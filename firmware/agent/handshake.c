#include <string.h>

#include "handlers.h"

int jsa_handle_hello(jsa_agent *agent) {
    jsp_hello_request hello;
    jsp_hello_answer answer = {0};
    memcpy(&hello, agent->request.payload, sizeof hello);
    if (hello.session == 0) {
        return JSP_E_BAD_REQUEST;
    }
    if (hello.protocol_min > JSP_PROTOCOL_VERSION || hello.protocol_max < JSP_PROTOCOL_VERSION) {
        return JSP_E_UNSUPPORTED_VERSION;
    }
    answer.protocol = JSP_PROTOCOL_VERSION;
    answer.reset_cause = port_reset_cause();
    answer.capabilities_bytes = jsa_capabilities_bytes(agent);
    answer.session = hello.session;
    answer.boot_count = port_boot_count();
    answer.lease_left_ms = jsa_lease_holder(&agent->lease, port_millis(), answer.holder);
    return jsa_answer(agent, &answer, sizeof answer);
}

int jsa_handle_capabilities(jsa_agent *agent) {
    jsp_capabilities_request capabilities;
    jsp_capabilities_answer answer;
    jsa_frame_writer *writer = &agent->frame.writer;
    uint16_t count;
    memcpy(&capabilities, agent->request.payload, sizeof capabilities);
    answer.total_bytes = jsa_capabilities_bytes(agent);
    if (capabilities.offset > answer.total_bytes) {
        return JSP_E_BAD_RANGE;
    }
    answer.offset = capabilities.offset;
    count = (uint16_t)(answer.total_bytes - answer.offset);
    if (count > JSA_CAPABILITIES_PAGE_BYTES) {
        count = JSA_CAPABILITIES_PAGE_BYTES;
    }
    jsa_begin_answer(agent, (uint16_t)(sizeof answer + count));
    jsa_frame_put(writer, &answer, sizeof answer);
    jsa_put_capabilities(agent, answer.offset, (uint16_t)(answer.offset + count));
    jsa_frame_end(writer);
    return JSP_E_OK;
}

int jsa_handle_lease(jsa_agent *agent) {
    jsp_lease_request change;
    jsp_lease_answer answer;
    const uint32_t held_before = agent->lease.session;
    int code;
    memcpy(&change, agent->request.payload, sizeof change);
    if (jsa_outcome_is_of(&agent->lease_outcome, &agent->request)) {
        code = agent->lease_outcome.code;
    } else {
        code = jsa_lease_change(&agent->lease, agent->request.session, &change, port_millis());
        jsa_outcome_keep(&agent->lease_outcome, &agent->request, code, &agent->fault);
        /* What another session sent is not this one's input. */
        if (agent->lease.session != held_before) {
            jsa_forget_inputs(&agent->plan);
        }
    }
    if (code != JSP_E_OK) {
        return code;
    }
    answer.duration_ms =
        agent->lease.session == agent->request.session ? agent->lease.duration_ms : 0;
    answer.boot_count = port_boot_count();
    return jsa_answer(agent, &answer, sizeof answer);
}

int jsa_handle_ping(jsa_agent *agent) {
    jsp_ping_answer answer;
    answer.boot_count = port_boot_count();
    answer.uptime_ms = port_millis();
    return jsa_answer(agent, &answer, sizeof answer);
}

int jsa_handle_reset(jsa_agent *agent) {
    (void)jsa_answer(agent, NULL, 0);
    port_reset();
    return JSP_E_OK;
}
