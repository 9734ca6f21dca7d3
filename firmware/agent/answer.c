#include <string.h>

#include "handlers.h"

static void begin(jsa_agent *agent, uint8_t type, uint16_t payload_bytes) {
    jsa_frame_begin(&agent->frame.writer, type, agent->request.session, agent->request.sequence,
                    payload_bytes);
}

void jsa_begin_answer(jsa_agent *agent, uint16_t payload_bytes) {
    begin(agent, (uint8_t)(agent->request.type | JSP_ANSWER_BIT), payload_bytes);
}

static void send(jsa_agent *agent, uint8_t type, const void *payload, uint16_t count) {
    begin(agent, type, count);
    jsa_frame_put(&agent->frame.writer, payload, count);
    jsa_frame_end(&agent->frame.writer);
}

int jsa_answer(jsa_agent *agent, const void *payload, uint16_t count) {
    send(agent, (uint8_t)(agent->request.type | JSP_ANSWER_BIT), payload, count);
    return JSP_E_OK;
}

int jsa_answer_with(jsa_agent *agent, const void *fixed, uint16_t fixed_bytes, const void *data,
                    uint16_t data_bytes) {
    jsa_begin_answer(agent, (uint16_t)(fixed_bytes + data_bytes));
    jsa_frame_put(&agent->frame.writer, fixed, fixed_bytes);
    jsa_frame_put(&agent->frame.writer, data, data_bytes);
    jsa_frame_end(&agent->frame.writer);
    return JSP_E_OK;
}

int jsa_lacks(jsa_agent *agent, int code, uint32_t needed, uint32_t available) {
    agent->fault.needed = needed;
    agent->fault.available = available;
    return code;
}

void jsa_send_alive(jsa_agent *agent, uint16_t next_op, uint16_t op_count) {
    jsp_alive_message alive;
    alive.op = next_op;
    alive.op_count = op_count;
    send(agent, JSP_TYPE_ALIVE, &alive, sizeof alive);
}

/* Inlined, by a compiler that sees both, the answer would lie on the stack below every run. */
void __attribute__((noinline)) jsa_answer_error(jsa_agent *agent, int code) {
    jsp_error_answer error = {0};
    error.request_type = agent->request.type;
    error.code = (int16_t)code;
    error.index = agent->fault.index;
    error.needed = agent->fault.needed;
    error.available = agent->fault.available;
    error.boot_count = port_boot_count();
    error.lease_left_ms = jsa_lease_holder(&agent->lease, port_millis(), error.holder);
    send(agent, JSP_TYPE_ERROR, &error, sizeof error);
}
