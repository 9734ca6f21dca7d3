#include <string.h>

#include "handlers.h"

void jsa_begin_answer(jsa_agent *agent, const jsa_request *request, uint16_t payload_bytes) {
    jsa_frame_begin(&agent->frame.writer, (uint8_t)(request->type | JSP_ANSWER_BIT),
                    request->session, request->sequence, payload_bytes);
}

void jsa_answer(jsa_agent *agent, const jsa_request *request, const void *fixed,
                uint16_t fixed_bytes, const void *data, uint16_t data_bytes) {
    jsa_frame_writer *writer = &agent->frame.writer;
    jsa_begin_answer(agent, request, (uint16_t)(fixed_bytes + data_bytes));
    jsa_frame_put(writer, fixed, fixed_bytes);
    jsa_frame_put(writer, data, data_bytes);
    jsa_frame_end(writer);
}

static void answer_error(jsa_agent *agent, const jsa_request *request, int code) {
    jsp_error_answer error = {0};
    jsa_frame_writer *writer = &agent->frame.writer;
    error.request_type = request->type;
    error.code = (int16_t)code;
    error.index = agent->fault.index;
    error.needed = agent->fault.needed;
    error.available = agent->fault.available;
    error.boot_count = port_boot_count();
    error.lease_left_ms = jsa_lease_left_ms(&agent->lease, port_millis());
    if (agent->lease.session != 0) {
        memcpy(error.holder, agent->lease.holder, sizeof error.holder);
    }
    jsa_frame_begin(writer, JSP_TYPE_ERROR, request->session, request->sequence, sizeof error);
    jsa_frame_put(writer, &error, sizeof error);
    jsa_frame_end(writer);
}

/* Requests that only the holder of the lease may make. */
static int serve_holder(jsa_agent *agent, const jsa_request *request) {
    int code = jsa_lease_check(&agent->lease, request->session);
    if (code != JSP_E_OK) {
        return code;
    }
    switch (request->type) {
    case JSP_TYPE_PLAN_BEGIN:
        return jsa_handle_plan_begin(agent, request);
    case JSP_TYPE_PLAN_CHUNK:
        return jsa_handle_plan_chunk(agent, request);
    case JSP_TYPE_PLAN_END:
        return jsa_handle_plan_end(agent, request);
    case JSP_TYPE_INPUT:
        return jsa_handle_input(agent, request);
    case JSP_TYPE_RUN:
        return jsa_handle_run(agent, request);
    case JSP_TYPE_PROFILE:
        return jsa_handle_profile(agent, request);
    case JSP_TYPE_OUTPUT:
        return jsa_handle_output(agent, request);
    case JSP_TYPE_ARENA:
        return jsa_handle_arena(agent, request);
    default:
        return jsa_handle_reset(agent, request);
    }
}

static int serve(jsa_agent *agent, const jsa_request *request) {
    switch (request->type) {
    case JSP_TYPE_HELLO:
        return jsa_handle_hello(agent, request);
    case JSP_TYPE_CAPABILITIES:
        return jsa_handle_capabilities(agent, request);
    case JSP_TYPE_LEASE:
        return jsa_handle_lease(agent, request);
    case JSP_TYPE_PING:
        return jsa_handle_ping(agent, request);
    case JSP_TYPE_PLAN_BEGIN:
    case JSP_TYPE_PLAN_CHUNK:
    case JSP_TYPE_PLAN_END:
    case JSP_TYPE_INPUT:
    case JSP_TYPE_RUN:
    case JSP_TYPE_PROFILE:
    case JSP_TYPE_OUTPUT:
    case JSP_TYPE_ARENA:
    case JSP_TYPE_RESET:
        return serve_holder(agent, request);
    default:
        return JSP_E_UNKNOWN_TYPE;
    }
}

static void dispatch(jsa_agent *agent, const jsa_request *request) {
    int code;
    /* An answer on its way back is a line's echo: to answer it would never end. */
    if (request->type & JSP_ANSWER_BIT) {
        return;
    }
    jsa_lease_expire(&agent->lease, port_millis());
    jsa_lease_renew(&agent->lease, request->session, port_millis());
    agent->fault.index = JSP_NO_INDEX;
    agent->fault.needed = 0;
    agent->fault.available = 0;
    code = serve(agent, request);
    if (code != JSP_E_OK) {
        answer_error(agent, request, code);
    }
    /* However long it took: a lease does not run out under a request. */
    jsa_lease_renew(&agent->lease, request->session, port_millis());
}

void jsa_agent_init(jsa_agent *agent) {
    memset(agent, 0, sizeof *agent);
    agent->info = port_get_info();
    jsa_decoder_init(&agent->frame.decoder);
}

void jsa_agent_step(jsa_agent *agent) {
    uint8_t bytes[JSA_READ_BYTES];
    uint32_t count = port_read(bytes, sizeof bytes);
    uint32_t taken = 0;
    port_feed_watchdog();
    jsa_lease_expire(&agent->lease, port_millis());
    if (count == 0) {
        port_idle();
    }
    while (taken < count) {
        jsa_request request;
        taken += jsa_decoder_feed(&agent->frame.decoder, bytes + taken, count - taken, &request);
        if (request.payload != NULL) {
            dispatch(agent, &request);
            jsa_decoder_init(&agent->frame.decoder);
        }
    }
}

void jsa_agent_main(jsa_agent *agent) {
    port_init();
    jsa_agent_init(agent);
    for (;;) {
        jsa_agent_step(agent);
    }
}
