#include <string.h>

#include "arena.h"
#include "handlers.h"

/* The watchdog is fed after this many bytes of a long checksum. */
#define CRC_PIECE_BYTES 32768u

static const JR_PLAN port_store *find_store(const JR_PLAN port_info *info, uint8_t id) {
    for (uint8_t i = 0; i < info->store_count; i++) {
        if (info->stores[i].id == id) {
            return &info->stores[i];
        }
    }
    return NULL;
}

uint32_t jsa_stored_crc32(uint8_t store, jr_size size_bytes) {
    const JR_PLAN uint8_t *bytes = port_store_address(store);
    uint32_t crc = 0;
    while (size_bytes > 0) {
        const jr_size piece_bytes = size_bytes < CRC_PIECE_BYTES ? size_bytes : CRC_PIECE_BYTES;
        port_feed_watchdog();
        crc = jr_plan_crc32(crc, bytes, piece_bytes);
        bytes += piece_bytes;
        size_bytes -= piece_bytes;
    }
    return crc;
}

/* The bytes themselves decide, so that a plan in flash is found again after a reset. */
static bool is_stored(const jsp_plan_begin_request *begin) {
    const JR_PLAN jsp_plan_header *header =
        (const JR_PLAN jsp_plan_header *)port_store_address(begin->store);
    return begin->size_bytes >= sizeof *header && header->magic == JSP_PLAN_MAGIC &&
           header->total_bytes == begin->size_bytes &&
           jsa_stored_crc32(begin->store, (jr_size)begin->size_bytes) == begin->crc32;
}

static int announce(jsa_agent *agent, const jsp_plan_begin_request *begin, uint8_t written_by) {
    jsa_upload *upload = &agent->upload;
    upload->store = begin->store;
    upload->size_bytes = (jr_size)begin->size_bytes;
    upload->crc32 = begin->crc32;
    if (is_stored(begin)) {
        upload->state = JSA_UPLOAD_STORED;
        upload->next_offset = upload->size_bytes;
        return JSP_E_OK;
    }
    upload->state = JSA_UPLOAD_NONE;
    upload->next_offset = 0;
    return jsa_upload_start(agent, begin, written_by);
}

int jsa_handle_plan_begin(jsa_agent *agent) {
    jsp_plan_begin_request begin;
    jsp_plan_begin_answer answer;
    const JR_PLAN port_store *store;
    memcpy(&begin, agent->request.payload, sizeof begin);
    store = find_store(agent->info, begin.store);
    if (store == NULL) {
        return JSP_E_BAD_STORE;
    }
    if (begin.size_bytes > store->capacity_bytes) {
        return jsa_lacks(agent, JSP_E_STORE_TOO_SMALL, begin.size_bytes, store->capacity_bytes);
    }
    if (!jsa_upload_goes_on(&agent->upload, &begin)) {
        const int code = announce(agent, &begin, store->written_by);
        if (code != JSP_E_OK) {
            return code;
        }
    }
    answer.next_offset = agent->upload.next_offset;
    answer.window = store->window;
    answer.chunk_bytes = JSA_MAX_PAYLOAD_BYTES - JSP_PLAN_CHUNK_REQUEST_BYTES;
    return jsa_answer(agent, &answer, sizeof answer);
}

int jsa_load_plan(jsa_agent *agent) {
    const jsa_upload *upload = &agent->upload;
    const JR_PLAN port_info *info = agent->info;
    jsa_plan *plan = &agent->plan;
    const jr_size taken_bytes = upload->store == JSP_STORE_RAM ? upload->size_bytes : 0;
    uint8_t *arena = jsa_arena_place(info->pool, (jr_size)info->pool_bytes, taken_bytes,
                                     &plan->arena_available_bytes);
    const int code = jr_load(&plan->engine, port_store_address(upload->store), upload->size_bytes,
                             arena, plan->arena_available_bytes, &agent->fault);
#if JR_PLAN_IS_APART
    plan->engine.params = &agent->frame.params;
#endif
    if (code == JSP_E_OK) {
        jsa_arena_prepare(arena, (jr_size)plan->engine.header->arena_bytes);
        jsa_forget_inputs(plan);
        agent->results.profile_ops = 0;
        plan->loaded = true;
    }
    return code;
}

int jsa_handle_plan_end(jsa_agent *agent) {
    jsp_plan_end_answer answer;
    int code = agent->upload.state == JSA_UPLOAD_NONE ? JSP_E_NO_UPLOAD : jsa_upload_finish(agent);
    agent->plan.loaded = false;
    if (code == JSP_E_OK) {
        code = jsa_load_plan(agent);
    }
    if (code != JSP_E_OK) {
        return code;
    }
    answer.arena_bytes = agent->plan.engine.header->arena_bytes;
    answer.arena_available_bytes = agent->plan.arena_available_bytes;
    answer.op_count = agent->plan.engine.header->op_count;
    answer.tensor_count = agent->plan.engine.header->tensor_count;
    return jsa_answer(agent, &answer, sizeof answer);
}
