#include <string.h>

#include "arena.h"
#include "handlers.h"

/* What the hook between ops needs, and what it takes off the measured time. */
typedef struct run_clock {
    jsa_agent *agent;
    const jsa_request *request;
    uint64_t op_began;
    uint64_t last_sign; /* when the host last heard from us, or the watchdog was fed */
    uint64_t sign_interval;
    uint64_t paused;  /* ticks spent on signs of life since the run began */
    uint64_t reading; /* ticks that reading the clock adds to every run */
    bool profile;
} run_clock;

static void give_sign(run_clock *clock, uint16_t next_op) {
    jsp_alive_message alive;
    jsa_frame_writer *writer = &clock->agent->frame.writer;
    alive.op = next_op;
    alive.op_count = clock->agent->plan.engine.header->op_count;
    port_feed_watchdog();
    jsa_frame_begin(writer, JSP_TYPE_ALIVE, clock->request->session, clock->request->sequence,
                    sizeof alive);
    jsa_frame_put(writer, &alive, sizeof alive);
    jsa_frame_end(writer);
    clock->last_sign = port_ticks();
}

/* One reading of the clock an op: it ends this op's time and begins the next one's. */
static void after_op(void *context, uint16_t op) {
    run_clock *clock = context;
    uint64_t now = port_ticks();
    if (clock->profile && op < JSA_MAX_PROFILE_OPS) {
        uint64_t ticks = now - clock->op_began;
        clock->agent->results.op_ticks[op] = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
    }
    clock->op_began = now;
    if (now - clock->last_sign >= clock->sign_interval) {
        port_timed_end();
        give_sign(clock, (uint16_t)(op + 1));
        port_timed_begin();
        clock->op_began = port_ticks();
        clock->paused += clock->op_began - now;
    }
}

/*
 * Ticks that the hook itself adds to every op of a profile: what it measures when it
 * is called twice with nothing between. Called as the engine does, through the pointer.
 */
static uint32_t hook_ticks(const jr_hooks *hooks, run_clock *clock) {
    void (*volatile hook)(void *context, uint16_t op) = hooks->after_op;
    uint32_t least = UINT32_MAX;
    for (int i = 0; i < 8; i++) {
        hook(clock, 0);
        hook(clock, 0);
        if (clock->agent->results.op_ticks[0] < least) {
            least = clock->agent->results.op_ticks[0];
        }
    }
    return least;
}

/*
 * Whether a run could last longer than the host is left without a sign. Short ones
 * run without hooks, which would be a percent or two of the smallest models' time.
 */
static bool may_be_long(const jsa_agent *agent) {
    const JR_PLAN jsp_plan_header *header = agent->plan.engine.header;
    /* Ops without multiplications touch each byte of the arena a few times at most. */
    const uint64_t work = header->macs + (uint64_t)header->op_count * header->arena_bytes;
    const uint32_t interval_ns = JSA_ALIVE_INTERVAL_MS * UINT32_C(1000000);
    return work >= interval_ns / (agent->info->max_ns_per_mac + 1u);
}

static uint32_t outputs_crc32(const jr_engine *engine) {
    uint32_t crc = 0;
    for (uint16_t i = 0; i < engine->header->output_count; i++) {
        const JR_PLAN jsp_plan_tensor *tensor = jr_tensor(engine, jr_output_io(engine, i)->tensor);
        crc = jr_crc32(crc, engine->arena + tensor->arena_offset, tensor->size_bytes);
    }
    return crc;
}

static int check_run(jsa_agent *agent, const jsp_run_request *run) {
    const jsa_plan *plan = &agent->plan;
    if (!plan->loaded) {
        return JSP_E_NO_PLAN;
    }
    if (run->iterations == 0 || (run->flags & ~JSP_RUN_PROFILE) != 0 ||
        run->input_source > JSP_INPUT_SEEDED) {
        return JSP_E_BAD_REQUEST;
    }
    if (run->iterations > JSA_MAX_BATCH) {
        agent->fault.needed = run->iterations;
        agent->fault.available = JSA_MAX_BATCH;
        return JSP_E_TOO_MANY_ITERATIONS;
    }
    if (run->input_source == JSP_INPUT_SENT) {
        agent->fault.index = jsa_first_stale_input(plan);
        if (agent->fault.index != JSP_NO_INDEX) {
            return JSP_E_INPUT_STALE;
        }
        if (run->iterations > 1 && (plan->engine.header->flags & JSP_PLAN_INPUTS_OVERWRITTEN)) {
            agent->fault.index = 0;
            return JSP_E_INPUT_STALE;
        }
    }
    return JSP_E_OK;
}

/* Ticks that pass between two readings of the clock with nothing between. */
static uint64_t reading_ticks(void) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 8; i++) {
        uint64_t began = port_ticks();
        uint64_t ticks = port_ticks() - began;
        if (ticks < least) {
            least = ticks;
        }
    }
    return least;
}

static uint64_t timed_run(const jr_engine *engine, uint16_t op_limit, run_clock *clock,
                          const jr_hooks *hooks) {
    uint64_t began, ended, ticks;
    clock->paused = 0;
    port_timed_begin();
    began = port_ticks();
    clock->op_began = began;
    jr_run(engine, op_limit, hooks);
    ended = port_ticks();
    port_timed_end();
    ticks = ended - began - clock->paused;
    return ticks > clock->reading ? ticks - clock->reading : 0;
}

static void finish_profile(jsa_results *results, uint16_t ops, uint32_t overhead_ticks) {
    results->profile_ops = ops < JSA_MAX_PROFILE_OPS ? ops : JSA_MAX_PROFILE_OPS;
    for (uint16_t i = 0; i < results->profile_ops; i++) {
        uint32_t ticks = results->op_ticks[i];
        results->op_ticks[i] = ticks > overhead_ticks ? ticks - overhead_ticks : 0;
    }
}

/* Runs the batch into agent->results. */
static int run_batch(jsa_agent *agent, const jsa_request *request, const jsp_run_request *run) {
    const jr_engine *engine = &agent->plan.engine;
    const uint32_t arena_bytes = engine->header->arena_bytes;
    jsp_run_answer *answer = &agent->results.run;
    run_clock clock = {0};
    const jr_hooks hooks = {NULL, after_op, &clock};
    const bool hooked = (run->flags & JSP_RUN_PROFILE) || may_be_long(agent);
    uint32_t overhead_ticks = 0;

    clock.agent = agent;
    clock.request = request;
    clock.last_sign = port_ticks();
    clock.reading = reading_ticks();
    clock.profile = (run->flags & JSP_RUN_PROFILE) != 0;
    clock.sign_interval = (uint64_t)(agent->info->tick_hz / 1000u) * JSA_ALIVE_INTERVAL_MS;
    memset(answer, 0, sizeof *answer);
    answer->unstable_at = JSP_NO_INDEX;
    if (clock.profile) {
        overhead_ticks = hook_ticks(&hooks, &clock);
    }
    for (uint16_t i = 0; i < run->iterations; i++) {
        uint32_t output_crc32;
        port_feed_watchdog();
        if (i > 0 && port_ticks() - clock.last_sign >= clock.sign_interval) {
            give_sign(&clock, 0);
        }
        if (run->input_source == JSP_INPUT_SEEDED) {
            jsa_draw_inputs(engine, run->seed);
        }
        if (i == 0) {
            answer->input_crc32 = jsa_inputs_crc32(engine);
        }
        agent->results.ticks[i] = timed_run(engine, run->op_limit, &clock, hooked ? &hooks : NULL);
        if (!jsa_arena_guards_hold(engine->arena, arena_bytes)) {
            /* The plan next to the arena may be hurt too: it has to be checked again. */
            agent->plan.loaded = false;
            return JSP_E_ARENA_OVERRUN;
        }
        output_crc32 = outputs_crc32(engine);
        if (i == 0) {
            answer->output_crc32 = output_crc32;
        } else if (output_crc32 != answer->output_crc32 && answer->unstable_at == JSP_NO_INDEX) {
            answer->unstable_at = i;
        }
    }
    if (run->input_source == JSP_INPUT_SEEDED ||
        (engine->header->flags & JSP_PLAN_INPUTS_OVERWRITTEN)) {
        jsa_forget_inputs(&agent->plan);
    }
    if (clock.profile) {
        uint16_t ops = engine->header->op_count;
        finish_profile(&agent->results, run->op_limit < ops ? run->op_limit : ops, overhead_ticks);
    }
    answer->iterations = run->iterations;
    answer->arena_high_water_bytes = jsa_arena_high_water_bytes(engine->arena, arena_bytes);
    answer->stack_high_water_bytes = port_stack_high_water_bytes();
    return JSP_E_OK;
}

int jsa_handle_run(jsa_agent *agent, const jsa_request *request) {
    jsp_run_request run;
    int code;
    if (request->payload_bytes != sizeof run) {
        return JSP_E_BAD_REQUEST;
    }
    memcpy(&run, request->payload, sizeof run);
    if (jsa_outcome_is_of(&agent->run_outcome, request)) {
        code = agent->run_outcome.code;
        agent->fault = agent->run_outcome.fault;
    } else {
        code = check_run(agent, &run);
        if (code == JSP_E_OK) {
            code = run_batch(agent, request, &run);
        }
        jsa_outcome_keep(&agent->run_outcome, request, code, &agent->fault);
    }
    if (code != JSP_E_OK) {
        return code;
    }
    jsa_answer(agent, request, &agent->results.run, sizeof agent->results.run, agent->results.ticks,
               (uint16_t)(agent->results.run.iterations * sizeof agent->results.ticks[0]));
    return JSP_E_OK;
}
