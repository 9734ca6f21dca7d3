#include <string.h>

#include "arena.h"
#include "handlers.h"

/* The watchdog is fed after this many bytes of a long checksum. */
#define CRC_PIECE_BYTES 65536u

static const JR_PLAN port_store *find_store(const JR_PLAN port_info *info, uint8_t id) {
    for (uint8_t i = 0; i < info->store_count; i++) {
        if (info->stores[i].id == id) {
            return &info->stores[i];
        }
    }
    return NULL;
}

static uint32_t stored_crc32(uint8_t store, uint32_t size_bytes) {
    const JR_PLAN uint8_t *bytes = port_store_address(store);
    uint32_t crc = 0;
    for (uint32_t offset = 0; offset < size_bytes; offset += CRC_PIECE_BYTES) {
        uint32_t rest = size_bytes - offset;
        port_feed_watchdog();
        crc = jr_plan_crc32(crc, bytes + offset, rest < CRC_PIECE_BYTES ? rest : CRC_PIECE_BYTES);
    }
    return crc;
}

/* The bytes themselves decide, so that a plan in flash is found again after a reset. */
static bool is_stored(const jsp_plan_begin_request *begin) {
    const JR_PLAN jsp_plan_header *header =
        (const JR_PLAN jsp_plan_header *)port_store_address(begin->store);
    return begin->size_bytes >= sizeof *header && header->magic == JSP_PLAN_MAGIC &&
           header->total_bytes == begin->size_bytes &&
           stored_crc32(begin->store, begin->size_bytes) == begin->crc32;
}

static bool is_being_received(const jsa_upload *upload, const jsp_plan_begin_request *begin) {
    return upload->state == JSA_UPLOAD_RECEIVING && upload->store == begin->store &&
           upload->size_bytes == begin->size_bytes && upload->crc32 == begin->crc32;
}

static int start_upload(jsa_agent *agent, const jsp_plan_begin_request *begin, uint8_t written_by) {
    jsa_upload *upload = &agent->upload;
    upload->store = begin->store;
    upload->size_bytes = begin->size_bytes;
    upload->crc32 = begin->crc32;
    if (is_stored(begin)) {
        upload->state = JSA_UPLOAD_STORED;
        upload->next_offset = begin->size_bytes;
        return JSP_E_OK;
    }
    if (written_by == JSP_WRITTEN_BY_PROGRAMMER) {
        upload->state = JSA_UPLOAD_NONE;
        return JSP_E_STORE_READ_ONLY;
    }
    /* Stores share the pool with the arena, or the plan in them may be the loaded one. */
    agent->plan.loaded = false;
    upload->state = JSA_UPLOAD_NONE;
    upload->next_offset = 0;
    if (port_store_begin(begin->store, begin->size_bytes) != 0) {
        return JSP_E_STORE_FAULT;
    }
    upload->state = JSA_UPLOAD_RECEIVING;
    return JSP_E_OK;
}

int jsa_handle_plan_begin(jsa_agent *agent, const jsa_request *request) {
    jsp_plan_begin_request begin;
    jsp_plan_begin_answer answer;
    const JR_PLAN port_store *store;
    int code = JSP_E_OK;
    if (request->payload_bytes != sizeof begin) {
        return JSP_E_BAD_REQUEST;
    }
    memcpy(&begin, request->payload, sizeof begin);
    store = find_store(agent->info, begin.store);
    if (store == NULL) {
        return JSP_E_BAD_STORE;
    }
    if (begin.size_bytes > store->capacity_bytes) {
        agent->fault.needed = begin.size_bytes;
        agent->fault.available = store->capacity_bytes;
        return JSP_E_STORE_TOO_SMALL;
    }
    if (!is_being_received(&agent->upload, &begin)) {
        code = start_upload(agent, &begin, store->written_by);
    }
    if (code != JSP_E_OK) {
        return code;
    }
    answer.next_offset = agent->upload.next_offset;
    answer.window = store->window;
    answer.chunk_bytes = JSA_MAX_PAYLOAD_BYTES - JSP_PLAN_CHUNK_REQUEST_BYTES;
    jsa_answer(agent, request, &answer, sizeof answer, NULL, 0);
    return JSP_E_OK;
}

int jsa_handle_plan_chunk(jsa_agent *agent, const jsa_request *request) {
    jsa_upload *upload = &agent->upload;
    jsp_plan_chunk_request chunk;
    jsp_plan_chunk_answer answer;
    if (request->payload_bytes < sizeof chunk) {
        return JSP_E_BAD_REQUEST;
    }
    if (upload->state == JSA_UPLOAD_NONE) {
        return JSP_E_NO_UPLOAD;
    }
    memcpy(&chunk, request->payload, sizeof chunk);
    if (chunk.offset == upload->next_offset) {
        uint32_t count = request->payload_bytes - (uint32_t)sizeof chunk;
        if (count > upload->size_bytes - upload->next_offset) {
            agent->fault.needed = count;
            agent->fault.available = upload->size_bytes - upload->next_offset;
            return JSP_E_BAD_RANGE;
        }
        if (count > 0 && port_store_write(upload->store, chunk.offset,
                                          request->payload + sizeof chunk, count) != 0) {
            upload->state = JSA_UPLOAD_NONE;
            return JSP_E_STORE_FAULT;
        }
        upload->next_offset += count;
    }
    answer.next_offset = upload->next_offset;
    jsa_answer(agent, request, &answer, sizeof answer, NULL, 0);
    return JSP_E_OK;
}

/* Ends the upload and compares what the store now holds with what was announced. */
static int finish_upload(jsa_agent *agent) {
    jsa_upload *upload = &agent->upload;
    if (upload->state == JSA_UPLOAD_NONE) {
        return JSP_E_NO_UPLOAD;
    }
    if (upload->next_offset != upload->size_bytes) {
        agent->fault.needed = upload->size_bytes;
        agent->fault.available = upload->next_offset;
        return JSP_E_BAD_RANGE;
    }
    if (upload->state == JSA_UPLOAD_RECEIVING) {
        if (port_store_finish(upload->store, upload->size_bytes) != 0) {
            upload->state = JSA_UPLOAD_NONE;
            return JSP_E_STORE_FAULT;
        }
        upload->state = JSA_UPLOAD_STORED;
    }
    return stored_crc32(upload->store, upload->size_bytes) == upload->crc32 ? JSP_E_OK
                                                                            : JSP_E_UPLOAD_CHECKSUM;
}

static int load_plan(jsa_agent *agent) {
    const jsa_upload *upload = &agent->upload;
    const JR_PLAN port_info *info = agent->info;
    jsa_plan *plan = &agent->plan;
    uint32_t taken_bytes = upload->store == JSP_STORE_RAM ? upload->size_bytes : 0;
    uint8_t *arena =
        jsa_arena_place(info->pool, info->pool_bytes, taken_bytes, &plan->arena_available_bytes);
    int code = jr_load(&plan->engine, port_store_address(upload->store), upload->size_bytes, arena,
                       plan->arena_available_bytes, &agent->fault);
    if (code != JSP_E_OK) {
        return code;
    }
    jsa_arena_prepare(arena, plan->engine.header->arena_bytes);
    jsa_forget_inputs(plan);
    agent->results.profile_ops = 0;
    plan->loaded = true;
    return JSP_E_OK;
}

int jsa_handle_plan_end(jsa_agent *agent, const jsa_request *request) {
    jsp_plan_end_answer answer;
    int code;
    if (request->payload_bytes != 0) {
        return JSP_E_BAD_REQUEST;
    }
    agent->plan.loaded = false;
    code = finish_upload(agent);
    if (code == JSP_E_OK) {
        code = load_plan(agent);
    }
    if (code != JSP_E_OK) {
        return code;
    }
    answer.arena_bytes = agent->plan.engine.header->arena_bytes;
    answer.arena_available_bytes = agent->plan.arena_available_bytes;
    answer.op_count = agent->plan.engine.header->op_count;
    answer.tensor_count = agent->plan.engine.header->tensor_count;
    jsa_answer(agent, request, &answer, sizeof answer, NULL, 0);
    return JSP_E_OK;
}
