#include "check_plan.h"

int jr_check_header(const JR_PLAN jsp_plan_header *header, uint32_t plan_bytes,
                    uint32_t arena_bytes, jr_fault *fault) {
    if (plan_bytes < JSP_PLAN_HEADER_BYTES) {
        fault->needed = JSP_PLAN_HEADER_BYTES;
        fault->available = plan_bytes;
        return JSP_E_PLAN_SIZE;
    }
    if (header->magic != JSP_PLAN_MAGIC) {
        return JSP_E_PLAN_MAGIC;
    }
    if (header->version_major != JSP_PLAN_VERSION_MAJOR ||
        header->version_minor > JSP_PLAN_VERSION_MINOR) {
        return JSP_E_PLAN_VERSION;
    }
    if (header->total_bytes != plan_bytes || header->header_bytes < JSP_PLAN_HEADER_BYTES) {
        fault->needed = header->total_bytes;
        fault->available = plan_bytes;
        return JSP_E_PLAN_SIZE;
    }
    if (jr_plan_crc32(0, (const JR_PLAN uint8_t *)header + JSP_PLAN_CRC_FROM,
                      plan_bytes - JSP_PLAN_CRC_FROM) != header->crc32) {
        return JSP_E_PLAN_CHECKSUM;
    }
    if (header->arena_bytes > arena_bytes) {
        fault->needed = header->arena_bytes;
        fault->available = arena_bytes;
        return JSP_E_ARENA_TOO_SMALL;
    }
    if (header->weight_layout != JSP_LAYOUT_ROWS4) {
        return JSP_E_PLAN_LAYOUT;
    }
    return JSP_E_OK;
}
