#include <stddef.h>

#include "handlers.h"

/* Writes a list, of which only a window is sent: nobody needs room for the whole. */
typedef struct window {
    jsa_frame_writer *writer; /* NULL: the list is only measured */
    uint16_t from;
    uint16_t to;
    uint16_t position; /* in the list */
} window;

static void put_byte(window *out, uint8_t byte) {
    if (out->writer != NULL && out->position >= out->from && out->position < out->to) {
        jsa_frame_put(out->writer, &byte, sizeof byte);
    }
    out->position++;
}

static void put_head(window *out, uint8_t tag, uint8_t count) {
    put_byte(out, tag);
    put_byte(out, count);
}

static void put(window *out, uint8_t tag, const void *value, uint8_t count) {
    const uint8_t *bytes = value;
    put_head(out, tag, count);
    for (uint8_t i = 0; i < count; i++) {
        put_byte(out, bytes[i]);
    }
}

static void put_text(window *out, uint8_t tag, const JR_PLAN char *text) {
    uint8_t count = 0;
    while (count < 255 && text[count] != '\0') {
        count++;
    }
    put_head(out, tag, count);
    for (uint8_t i = 0; i < count; i++) {
        put_byte(out, (uint8_t)text[i]);
    }
}

static void put_u32(window *out, uint8_t tag, uint32_t value) {
    put(out, tag, &value, sizeof value);
}

static void put_u16(window *out, uint8_t tag, uint16_t value) {
    put(out, tag, &value, sizeof value);
}

static void put_stores(window *out, const JR_PLAN port_info *info) {
    for (uint8_t i = 0; i < info->store_count; i++) {
        jsp_store_capability store = {0};
        store.store = info->stores[i].id;
        store.window = info->stores[i].window;
        store.written_by = info->stores[i].written_by;
        store.capacity_bytes = info->stores[i].capacity_bytes;
        put(out, JSP_TAG_STORE, &store, sizeof store);
    }
}

static void put_uid(window *out, const JR_PLAN port_info *info) {
    put_head(out, JSP_TAG_UID, info->uid_bytes);
    for (uint8_t i = 0; i < info->uid_bytes; i++) {
        put_byte(out, info->uid[i]);
    }
}

/* Known only when the board is up, so in RAM. */
static void put_emulator(window *out, const char *name) {
    uint8_t count = 0;
    while (count < 255 && name[count] != '\0') {
        count++;
    }
    put(out, JSP_TAG_EMULATOR, name, count);
}

static void put_list(window *out, const JR_PLAN port_info *info) {
    static const JR_PLAN char firmware[] = JSA_FIRMWARE_VERSION;
    static const JR_PLAN char build[] = JSA_BUILD;
    static const JR_PLAN char engine[] = "jump_rt " JR_VERSION;
    put_text(out, JSP_TAG_FIRMWARE, firmware);
    put_text(out, JSP_TAG_BOARD, info->board_id);
    put_text(out, JSP_TAG_DOMAIN, info->domain);
    put_uid(out, info);
    put_text(out, JSP_TAG_CORE, info->core);
    put_u32(out, JSP_TAG_CLOCK_HZ, info->clock_hz);
    put_u32(out, JSP_TAG_TICK_HZ, info->tick_hz);
    put_u16(out, JSP_TAG_MAX_PAYLOAD_BYTES, JSA_MAX_PAYLOAD_BYTES);
    put_stores(out, info);
    put_u32(out, JSP_TAG_POOL_BYTES, info->pool_bytes);
    put_u32(out, JSP_TAG_OP_SET, jr_op_set());
    put_head(out, JSP_TAG_WEIGHT_LAYOUTS, 1);
    put_byte(out, JSP_LAYOUT_ROWS4);
    put_u32(out, JSP_TAG_FEATURES,
            info->features | JSP_FEATURE_PROFILE | JSP_FEATURE_ARENA_HIGH_WATER);
    put_text(out, JSP_TAG_BUILD, build);
    put_text(out, JSP_TAG_ENGINE, engine);
    put_u16(out, JSP_TAG_MAX_BATCH, JSA_MAX_BATCH);
    put_u32(out, JSP_TAG_MAX_NS_PER_MAC, info->max_ns_per_mac);
    put_head(out, JSP_TAG_PLAN_VERSION, 2);
    put_byte(out, JSP_PLAN_VERSION_MAJOR);
    put_byte(out, JSP_PLAN_VERSION_MINOR);
    put_u32(out, JSP_TAG_STATIC_BYTES, info->static_bytes);
    put_u32(out, JSP_TAG_STACK_BYTES, info->stack_bytes);
    put_emulator(out, info->emulator);
}

uint16_t jsa_capabilities_bytes(const JR_PLAN port_info *info) {
    window out = {0};
    put_list(&out, info);
    return out.position;
}

void jsa_put_capabilities(const JR_PLAN port_info *info, jsa_frame_writer *writer, uint16_t from,
                          uint16_t to) {
    window out = {0};
    out.writer = writer;
    out.from = from;
    out.to = to;
    put_list(&out, info);
}
