#include <string.h>

#include "handlers.h"

/* A kind of request: who may make it, and how long its payload is. */
typedef struct route {
    int (*handle)(jsa_agent *agent);
    uint8_t payload_bytes;
    uint8_t rules;
} route;

#define MORE_MAY_FOLLOW 1u /* payload_bytes is the least, not the exact length */
#define HOLDER_ONLY     2u /* only the session that holds the lease */

static const JR_PLAN route routes[] = {
    [JSP_TYPE_HELLO] = {jsa_handle_hello, sizeof(jsp_hello_request), MORE_MAY_FOLLOW},
    [JSP_TYPE_CAPABILITIES] = {jsa_handle_capabilities, sizeof(jsp_capabilities_request), 0},
    [JSP_TYPE_LEASE] = {jsa_handle_lease, sizeof(jsp_lease_request), 0},
    [JSP_TYPE_PLAN_BEGIN] = {jsa_handle_plan_begin, sizeof(jsp_plan_begin_request), HOLDER_ONLY},
    [JSP_TYPE_PLAN_CHUNK] = {jsa_handle_plan_chunk, sizeof(jsp_plan_chunk_request),
                             HOLDER_ONLY | MORE_MAY_FOLLOW},
    [JSP_TYPE_PLAN_END] = {jsa_handle_plan_end, 0, HOLDER_ONLY},
    [JSP_TYPE_INPUT] = {jsa_handle_input, sizeof(jsp_input_request), HOLDER_ONLY | MORE_MAY_FOLLOW},
    [JSP_TYPE_RUN] = {jsa_handle_run, sizeof(jsp_run_request), HOLDER_ONLY},
    [JSP_TYPE_PROFILE] = {jsa_handle_profile, sizeof(jsp_profile_request), HOLDER_ONLY},
    [JSP_TYPE_OUTPUT] = {jsa_handle_output, sizeof(jsp_output_request), HOLDER_ONLY},
    [JSP_TYPE_ARENA] = {jsa_handle_arena, sizeof(jsp_arena_request), HOLDER_ONLY},
    [JSP_TYPE_PING] = {jsa_handle_ping, 0, 0},
    [JSP_TYPE_RESET] = {jsa_handle_reset, 0, HOLDER_ONLY},
};

static int serve(jsa_agent *agent) {
    const jsa_request *request = &agent->request;
    const JR_PLAN route *way;
    if (request->type == 0 || request->type >= sizeof routes / sizeof routes[0]) {
        return JSP_E_UNKNOWN_TYPE;
    }
    way = &routes[request->type];
    if (way->rules & HOLDER_ONLY) {
        int code = jsa_lease_check(&agent->lease, request->session);
        if (code != JSP_E_OK) {
            return code;
        }
    }
    if (request->payload_bytes < way->payload_bytes ||
        (request->payload_bytes != way->payload_bytes && !(way->rules & MORE_MAY_FOLLOW))) {
        return JSP_E_BAD_REQUEST;
    }
    return way->handle(agent);
}

static void dispatch(jsa_agent *agent) {
    int code;
    /* An answer on its way back is a line's echo: to answer it would never end. */
    if (agent->request.type & JSP_ANSWER_BIT) {
        return;
    }
    agent->fault.index = JSP_NO_INDEX;
    (void)jsa_lacks(agent, JSP_E_OK, 0, 0);
    code = serve(agent);
    if (code != JSP_E_OK) {
        jsa_answer_error(agent, code);
    }
    /* Afterwards, however long it took: a lease does not run out under a request. */
    jsa_lease_renew(&agent->lease, agent->request.session, port_millis());
}

void jsa_agent_init(jsa_agent *agent) {
    memset(agent, 0, sizeof *agent);
    agent->info = port_get_info();
    jsa_decoder_init(&agent->frame.decoder);
}

/* In jsa_agent_main it saves no registers: stack is scarce. */
static inline void __attribute__((always_inline)) step(jsa_agent *agent) {
    uint8_t bytes[JSA_READ_BYTES];
    jr_size count = port_read(bytes, sizeof bytes);
    jr_size taken = 0;
    port_feed_watchdog();
    jsa_lease_expire(&agent->lease, port_millis());
    if (count == 0) {
        port_idle();
    }
    while (taken < count) {
        taken +=
            jsa_decoder_feed(&agent->frame.decoder, bytes + taken, count - taken, &agent->request);
        if (agent->request.payload != NULL) {
            dispatch(agent);
            jsa_decoder_init(&agent->frame.decoder);
        }
    }
}

void jsa_agent_step(jsa_agent *agent) {
    step(agent);
}

void jsa_agent_main(jsa_agent *agent) {
    port_init();
    jsa_agent_init(agent);
    jsa_start_plan(agent);
    for (;;) {
        step(agent);
    }
}
