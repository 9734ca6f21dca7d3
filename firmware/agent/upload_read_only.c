/* For boards whose every store is a programmer's to write: a plan is there, or it is not. */
#include "handlers.h"

bool jsa_upload_goes_on(const jsa_upload *upload, const jsp_plan_begin_request *begin) {
    (void)upload;
    (void)begin;
    return false;
}

int jsa_upload_start(jsa_agent *agent, const jsp_plan_begin_request *begin, uint8_t written_by) {
    (void)agent;
    (void)begin;
    (void)written_by;
    return JSP_E_STORE_READ_ONLY;
}

int jsa_handle_plan_chunk(jsa_agent *agent) {
    (void)agent;
    return JSP_E_NO_UPLOAD;
}

/* Its checksum was compared when it was announced, and nothing can have written it since. */
int jsa_upload_finish(jsa_agent *agent) {
    (void)agent;
    return JSP_E_OK;
}
