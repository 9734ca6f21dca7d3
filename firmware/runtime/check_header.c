#include "check_plan.h"

static int lacks(jr_fault *fault, int code, uint32_t needed, uint32_t available) {
    fault->needed = needed;
    fault->available = available;
    return code;
}

int jr_check_header(const JR_PLAN jsp_plan_header *header, jr_size plan_bytes, jr_size arena_bytes,
                    jr_fault *fault) {
    if (plan_bytes < JSP_PLAN_HEADER_BYTES) {
        return lacks(fault, JSP_E_PLAN_SIZE, JSP_PLAN_HEADER_BYTES, plan_bytes);
    }
    if (header->magic != JSP_PLAN_MAGIC) {
        return JSP_E_PLAN_MAGIC;
    }
    if (header->version_major != JSP_PLAN_VERSION_MAJOR ||
        header->version_minor > JSP_PLAN_VERSION_MINOR) {
        return JSP_E_PLAN_VERSION;
    }
    if (header->total_bytes != plan_bytes || header->header_bytes < JSP_PLAN_HEADER_BYTES) {
        return lacks(fault, JSP_E_PLAN_SIZE, header->total_bytes, plan_bytes);
    }
    if (jr_plan_crc32(0, (const JR_PLAN uint8_t *)header + JSP_PLAN_CRC_FROM,
                      plan_bytes - JSP_PLAN_CRC_FROM) != header->crc32) {
        return JSP_E_PLAN_CHECKSUM;
    }
    if (header->arena_bytes > arena_bytes) {
        return lacks(fault, JSP_E_ARENA_TOO_SMALL, header->arena_bytes, arena_bytes);
    }
    if (header->weight_layout != JSP_LAYOUT_ROWS4) {
        return JSP_E_PLAN_LAYOUT;
    }
    return JSP_E_OK;
}
