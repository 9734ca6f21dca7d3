/*
 * What a board does by itself when it starts: a plan that lies in flash with a self-test record
 * behind it (protocol/SPEC.md) is loaded with every check, run once, and compared.
 */
#include <stddef.h>

#include "arena.h"
#include "handlers.h"

/* Where a record behind the plan lies; NULL where the store does not hold both. */
static const JR_PLAN jsp_plan_self_test *find_record(const JR_PLAN port_store *store,
                                                     const JR_PLAN jsp_plan_header *header) {
    const jr_size align = JSP_PLAN_ALIGNMENT;
    const JR_PLAN jsp_plan_self_test *record;
    jr_size offset;
    if (header->magic != JSP_PLAN_MAGIC || header->total_bytes < sizeof *header ||
        store->capacity_bytes < align + sizeof *record ||
        header->total_bytes > store->capacity_bytes - align - sizeof *record) {
        return NULL;
    }
    offset = ((jr_size)header->total_bytes + align - 1) / align * align;
    record = (const JR_PLAN jsp_plan_self_test *)((const JR_PLAN uint8_t *)header + offset);
    return record->magic == JSP_SELF_TEST_MAGIC && record->plan_crc32 == header->crc32 ? record
                                                                                       : NULL;
}

/* Nobody waits for signs of life yet. */
static void after_op(void *context, uint16_t op) {
    (void)context;
    (void)op;
    port_feed_watchdog();
}

static int self_test(jsa_agent *agent, const JR_PLAN jsp_plan_self_test *record) {
    const jr_engine *engine = &agent->plan.engine;
    const jr_hooks hooks = {NULL, after_op, NULL};
    jsa_draw_inputs(engine, record->seed);
    jr_run(engine, JSP_ALL_OPS, &hooks);
    if (!jsa_arena_guards_hold(engine->arena, (jr_size)engine->header->arena_bytes)) {
        return JSP_E_ARENA_OVERRUN;
    }
    return jsa_outputs_crc32(engine) == record->output_crc32 ? JSP_E_OK : JSP_E_PLAN_SELF_TEST;
}

static int check(jsa_agent *agent, const JR_PLAN jsp_plan_header *header,
                 const JR_PLAN jsp_plan_self_test *record) {
    int code;
    agent->upload.store = JSP_STORE_FLASH;
    agent->upload.size_bytes = (jr_size)header->total_bytes;
    code = jsa_load_plan(agent);
    if (code == JSP_E_OK) {
        code = self_test(agent, record);
        agent->plan.loaded = code == JSP_E_OK;
    }
    return code;
}

void jsa_start_plan(jsa_agent *agent) {
    const JR_PLAN port_info *info = agent->info;
    jsp_start_check *result = &agent->start_check;
    for (uint8_t i = 0; i < info->store_count; i++) {
        const JR_PLAN jsp_plan_header *header;
        const JR_PLAN jsp_plan_self_test *record;
        if (info->stores[i].id != JSP_STORE_FLASH) {
            continue;
        }
        header = (const JR_PLAN jsp_plan_header *)port_store_address(JSP_STORE_FLASH);
        record = find_record(&info->stores[i], header);
        if (record != NULL) {
            result->store = JSP_STORE_FLASH;
            result->plan_crc32 = header->crc32;
            result->code = (int16_t)check(agent, header, record);
        }
    }
}
