/* Plans that come over the link, into stores that the port writes. */
#include <string.h>

#include "handlers.h"

bool jsa_upload_goes_on(const jsa_upload *upload, const jsp_plan_begin_request *begin) {
    return upload->state == JSA_UPLOAD_RECEIVING && upload->store == begin->store &&
           upload->size_bytes == begin->size_bytes && upload->crc32 == begin->crc32;
}

int jsa_upload_start(jsa_agent *agent, const jsp_plan_begin_request *begin, uint8_t written_by) {
    if (written_by == JSP_WRITTEN_BY_PROGRAMMER) {
        return JSP_E_STORE_READ_ONLY;
    }
    /* Stores share the pool with the arena, or the plan in them may be the loaded one. */
    agent->plan.loaded = false;
    if (port_store_begin(begin->store, begin->size_bytes) != 0) {
        return JSP_E_STORE_FAULT;
    }
    agent->upload.state = JSA_UPLOAD_RECEIVING;
    return JSP_E_OK;
}

int jsa_handle_plan_chunk(jsa_agent *agent) {
    const jsa_request *request = &agent->request;
    jsa_upload *upload = &agent->upload;
    jsp_plan_chunk_request chunk;
    jsp_plan_chunk_answer answer;
    if (upload->state == JSA_UPLOAD_NONE) {
        return JSP_E_NO_UPLOAD;
    }
    memcpy(&chunk, request->payload, sizeof chunk);
    if (chunk.offset == upload->next_offset) {
        const jr_size count = request->payload_bytes - (jr_size)sizeof chunk;
        const jr_size left = upload->size_bytes - upload->next_offset;
        if (count > left) {
            return jsa_lacks(agent, JSP_E_BAD_RANGE, count, left);
        }
        if (count > 0 && port_store_write(upload->store, chunk.offset,
                                          request->payload + sizeof chunk, count) != 0) {
            upload->state = JSA_UPLOAD_NONE;
            return JSP_E_STORE_FAULT;
        }
        upload->next_offset += count;
    }
    answer.next_offset = upload->next_offset;
    return jsa_answer(agent, &answer, sizeof answer);
}

int jsa_upload_finish(jsa_agent *agent) {
    jsa_upload *upload = &agent->upload;
    if (upload->next_offset != upload->size_bytes) {
        return jsa_lacks(agent, JSP_E_BAD_RANGE, upload->size_bytes, upload->next_offset);
    }
    if (upload->state == JSA_UPLOAD_RECEIVING) {
        if (port_store_finish(upload->store, upload->size_bytes) != 0) {
            upload->state = JSA_UPLOAD_NONE;
            return JSP_E_STORE_FAULT;
        }
        upload->state = JSA_UPLOAD_STORED;
    }
    return jsa_stored_crc32(upload->store, upload->size_bytes) == upload->crc32
               ? JSP_E_OK
               : JSP_E_UPLOAD_CHECKSUM;
}
