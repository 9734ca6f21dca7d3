#include <string.h>

#include "arena.h"
#include "handlers.h"

/* What the hook between ops needs, and what it takes off the measured time. */
typedef struct run_clock {
    jsa_agent *agent;
    port_tick op_began;
    port_tick last_sign; /* when the host last heard from us, or the watchdog was fed */
    port_tick sign_interval;
    port_tick paused;  /* ticks spent on signs of life since the run began */
    port_tick reading; /* ticks that reading the clock adds to every run */
    uint32_t hook;     /* ticks that the hook adds to every op */
    bool profile;
#if JSA_COUNTS_INSTRUCTIONS
    uint32_t instructions; /* of the run, signs of life left out */
    uint32_t reading_instructions;
#endif
} run_clock;

/* Instructions are counted like ticks, from one port_ticks() to another. */
static void resume_instructions(run_clock *clock) {
#if JSA_COUNTS_INSTRUCTIONS
    clock->instructions -= (uint32_t)port_instructions();
#else
    (void)clock;
#endif
}

static void pause_instructions(run_clock *clock) {
#if JSA_COUNTS_INSTRUCTIONS
    clock->instructions += (uint32_t)port_instructions();
#else
    (void)clock;
#endif
}

static void give_sign(run_clock *clock, uint16_t next_op) {
    port_feed_watchdog();
    jsa_send_alive(clock->agent, next_op, clock->agent->plan.engine.header->op_count);
    clock->last_sign = port_ticks();
}

static uint32_t narrowed(port_tick ticks) {
#ifndef PORT_TICKS_OF_32_BITS
    if (ticks > UINT32_MAX) {
        return UINT32_MAX;
    }
#endif
    return (uint32_t)ticks;
}

static uint32_t less(uint32_t ticks, uint32_t overhead) {
    return ticks > overhead ? ticks - overhead : 0;
}

/* One reading of the clock an op: it ends this op's time and begins the next one's. */
static void after_op(void *context, uint16_t op) {
    run_clock *clock = context;
    const port_tick now = port_ticks();
    if (clock->profile && op < JSA_MAX_PROFILE_OPS) {
        clock->agent->results.op_ticks[op] = less(narrowed(now - clock->op_began), clock->hook);
    }
    clock->op_began = now;
    if (now - clock->last_sign >= clock->sign_interval) {
        pause_instructions(clock);
        port_timed_end();
        give_sign(clock, (uint16_t)(op + 1));
        port_timed_begin();
        clock->op_began = port_ticks();
        clock->paused += clock->op_began - now;
        resume_instructions(clock);
    }
}

/*
 * Ticks that the hook itself adds to every op of a profile: what it measures when it
 * is called twice with nothing between. Called as the engine does, through the pointer.
 */
static uint32_t hook_ticks(const jr_hooks *hooks, run_clock *clock) {
    void (*volatile hook)(void *context, uint16_t op) = hooks->after_op;
    uint32_t least = UINT32_MAX;
    for (uint8_t i = 0; i < 8; i++) {
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
    const uint32_t interval_ns = JSA_ALIVE_INTERVAL_MS * UINT32_C(1000000);
    const uint32_t macs = header->macs, most = interval_ns / (agent->info->max_ns_per_mac + 1u);
    /* Ops without multiplications touch each byte of the arena a few times at most. */
    return macs >= most || header->arena_bytes >= (most - macs) / (header->op_count + 1u);
}

typedef jr_block (*block_of)(const jr_engine *engine, uint16_t index);

/* Over all inputs, or over all outputs, one after the other. */
static uint32_t crc32_of(const jr_engine *engine, block_of block_of, uint16_t count) {
    uint32_t crc = 0;
    for (uint16_t i = 0; i < count; i++) {
        const jr_block block = block_of(engine, i);
        crc = jr_crc32(crc, block.bytes, block.count);
    }
    return crc;
}

uint32_t jsa_outputs_crc32(const jr_engine *engine) {
    return crc32_of(engine, jr_output_block, engine->header->output_count);
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
        return jsa_lacks(agent, JSP_E_TOO_MANY_ITERATIONS, run->iterations, JSA_MAX_BATCH);
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

static void forget_instructions(run_clock *clock) {
#if JSA_COUNTS_INSTRUCTIONS
    clock->instructions = 0;
#else
    (void)clock;
#endif
}

/* What passes between two readings of the clock with nothing between. */
static void measure_reading(run_clock *clock) {
    clock->reading = PORT_TICK_MAX;
    for (uint8_t i = 0; i < 8; i++) {
        port_tick ticks = port_ticks();
        forget_instructions(clock);
        resume_instructions(clock);
        ticks = port_ticks() - ticks;
        pause_instructions(clock);
        if (ticks < clock->reading) {
            clock->reading = ticks;
#if JSA_COUNTS_INSTRUCTIONS
            clock->reading_instructions = clock->instructions;
#endif
        }
    }
}

static port_tick timed_run(const jr_engine *engine, uint16_t op_limit, run_clock *clock,
                           const jr_hooks *hooks) {
    port_tick began, ticks;
    clock->paused = 0;
    forget_instructions(clock);
    port_timed_begin();
    began = port_ticks();
    resume_instructions(clock);
    clock->op_began = began;
    jr_run(engine, op_limit, hooks);
    ticks = port_ticks() - began;
    pause_instructions(clock);
    port_timed_end();
#if JSA_COUNTS_INSTRUCTIONS
    clock->agent->results.run.instructions = less(clock->instructions, clock->reading_instructions);
#endif
    ticks -= clock->paused;
    return ticks > clock->reading ? ticks - clock->reading : 0;
}

/* Runs the batch into agent->results. */
static int run_batch(jsa_agent *agent, const jsp_run_request *run) {
    const jr_engine *engine = &agent->plan.engine;
    const JR_PLAN jsp_plan_header *header = engine->header;
    jsa_results *results = &agent->results;
    run_clock clock = {0};
    jr_hooks hooks = {NULL, after_op, &clock};

    clock.agent = agent;
    clock.last_sign = port_ticks();
    measure_reading(&clock);
    clock.sign_interval = (port_tick)(agent->info->tick_hz / 1000u) * JSA_ALIVE_INTERVAL_MS;
    memset(&results->run, 0, sizeof results->run);
    results->run.unstable_at = JSP_NO_INDEX;
    if (run->flags & JSP_RUN_PROFILE) {
        clock.profile = true;
        clock.hook = hook_ticks(&hooks, &clock);
    } else if (!may_be_long(agent)) {
        hooks.after_op = NULL;
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
            results->run.input_crc32 = crc32_of(engine, jr_input_block, header->input_count);
        }
        results->ticks[i] = timed_run(engine, run->op_limit, &clock, &hooks);
        if (!jsa_arena_guards_hold(engine->arena, (jr_size)header->arena_bytes)) {
            /* The plan next to the arena may be hurt too: it has to be checked again. */
            agent->plan.loaded = false;
            return JSP_E_ARENA_OVERRUN;
        }
        output_crc32 = crc32_of(engine, jr_output_block, header->output_count);
        if (i == 0) {
            results->run.output_crc32 = output_crc32;
        } else if (output_crc32 != results->run.output_crc32 &&
                   results->run.unstable_at == JSP_NO_INDEX) {
            results->run.unstable_at = i;
        }
    }
    if (run->input_source == JSP_INPUT_SEEDED || (header->flags & JSP_PLAN_INPUTS_OVERWRITTEN)) {
        jsa_forget_inputs(&agent->plan);
    }
    if (clock.profile) {
        uint16_t ops = header->op_count < run->op_limit ? header->op_count : run->op_limit;
        results->profile_ops = ops < JSA_MAX_PROFILE_OPS ? ops : JSA_MAX_PROFILE_OPS;
    }
    results->run.iterations = run->iterations;
    results->run.arena_high_water_bytes =
        jsa_arena_high_water_bytes(engine->arena, (jr_size)header->arena_bytes);
    results->run.stack_high_water_bytes = port_stack_high_water_bytes();
    return JSP_E_OK;
}

int jsa_handle_run(jsa_agent *agent) {
    const jsa_request *request = &agent->request;
    jsa_results *results = &agent->results;
    jsp_run_request run;
    int code;
    memcpy(&run, request->payload, sizeof run);
    if (jsa_outcome_is_of(&agent->run_outcome, request)) {
        code = agent->run_outcome.code;
        agent->fault = agent->run_outcome.fault;
    } else {
        code = check_run(agent, &run);
        if (code == JSP_E_OK) {
            code = run_batch(agent, &run);
        }
        jsa_outcome_keep(&agent->run_outcome, request, code, &agent->fault);
    }
    if (code != JSP_E_OK) {
        return code;
    }
    return jsa_answer_with(agent, &results->run, sizeof results->run, results->ticks,
                           (uint16_t)(results->run.iterations * sizeof results->ticks[0]));
}
