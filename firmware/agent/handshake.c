#include <string.h>

#include "handlers.h"

int jsa_handle_hello(jsa_agent *agent, const jsa_request *request) {
    jsp_hello_request hello;
    jsp_hello_answer answer = {0};
    if (request->payload_bytes < sizeof hello) {
        return JSP_E_BAD_REQUEST;
    }
    memcpy(&hello, request->payload, sizeof hello);
    if (hello.session == 0) {
        return JSP_E_BAD_REQUEST;
    }
    if (hello.protocol_min > JSP_PROTOCOL_VERSION || hello.protocol_max < JSP_PROTOCOL_VERSION) {
        return JSP_E_UNSUPPORTED_VERSION;
    }
    answer.protocol = JSP_PROTOCOL_VERSION;
    answer.reset_cause = port_reset_cause();
    answer.capabilities_bytes = jsa_capabilities_bytes(agent->info);
    answer.session = hello.session;
    answer.boot_count = port_boot_count();
    answer.lease_left_ms = jsa_lease_left_ms(&agent->lease, port_millis());
    if (agent->lease.session != 0) {
        memcpy(answer.holder, agent->lease.holder, sizeof answer.holder);
    }
    jsa_answer(agent, request, &answer, sizeof answer, NULL, 0);
    return JSP_E_OK;
}

int jsa_handle_capabilities(jsa_agent *agent, const jsa_request *request) {
    jsp_capabilities_request capabilities;
    jsp_capabilities_answer answer;
    jsa_frame_writer *writer = &agent->frame.writer;
    uint16_t count;
    if (request->payload_bytes != sizeof capabilities) {
        return JSP_E_BAD_REQUEST;
    }
    memcpy(&capabilities, request->payload, sizeof capabilities);
    answer.total_bytes = jsa_capabilities_bytes(agent->info);
    if (capabilities.offset > answer.total_bytes) {
        return JSP_E_BAD_RANGE;
    }
    answer.offset = capabilities.offset;
    count = (uint16_t)(answer.total_bytes - answer.offset);
    if (count > JSA_CAPABILITIES_PAGE_BYTES) {
        count = JSA_CAPABILITIES_PAGE_BYTES;
    }
    jsa_begin_answer(agent, request, (uint16_t)(sizeof answer + count));
    jsa_frame_put(writer, &answer, sizeof answer);
    jsa_put_capabilities(agent->info, writer, answer.offset, (uint16_t)(answer.offset + count));
    jsa_frame_end(writer);
    return JSP_E_OK;
}

int jsa_handle_lease(jsa_agent *agent, const jsa_request *request) {
    jsp_lease_request change;
    jsp_lease_answer answer;
    uint32_t held_before = agent->lease.session;
    int code;
    if (request->payload_bytes != sizeof change) {
        return JSP_E_BAD_REQUEST;
    }
    memcpy(&change, request->payload, sizeof change);
    if (jsa_outcome_is_of(&agent->lease_outcome, request)) {
        code = agent->lease_outcome.code;
    } else {
        code = jsa_lease_change(&agent->lease, request->session, &change, port_millis());
        jsa_outcome_keep(&agent->lease_outcome, request, code, &agent->fault);
        /* What another session sent is not this one's input. */
        if (agent->lease.session != held_before) {
            jsa_forget_inputs(&agent->plan);
        }
    }
    if (code != JSP_E_OK) {
        return code;
    }
    answer.duration_ms = agent->lease.session == request->session ? agent->lease.duration_ms : 0;
    answer.boot_count = port_boot_count();
    jsa_answer(agent, request, &answer, sizeof answer, NULL, 0);
    return JSP_E_OK;
}

int jsa_handle_ping(jsa_agent *agent, const jsa_request *request) {
    jsp_ping_answer answer;
    if (request->payload_bytes != 0) {
        return JSP_E_BAD_REQUEST;
    }
    answer.boot_count = port_boot_count();
    answer.uptime_ms = port_millis();
    jsa_answer(agent, request, &answer, sizeof answer, NULL, 0);
    return JSP_E_OK;
}

int jsa_handle_reset(jsa_agent *agent, const jsa_request *request) {
    if (request->payload_bytes != 0) {
        return JSP_E_BAD_REQUEST;
    }
    jsa_answer(agent, request, NULL, 0, NULL, 0);
    port_reset();
    return JSP_E_OK;
}
