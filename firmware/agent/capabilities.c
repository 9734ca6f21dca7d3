#include <string.h>

#include "handlers.h"

/* Writes a list, of which only a window is kept: nobody needs room for the whole. */
typedef struct window {
    uint8_t *page;
    uint16_t from;
    uint16_t capacity;
    uint16_t position; /* in the list */
} window;

static void put_byte(window *out, uint8_t byte) {
    if (out->position >= out->from && out->position - out->from < out->capacity) {
        out->page[out->position - out->from] = byte;
    }
    out->position++;
}

static void put(window *out, uint8_t tag, const void *value, uint8_t count) {
    const uint8_t *bytes = value;
    put_byte(out, tag);
    put_byte(out, count);
    for (uint8_t i = 0; i < count; i++) {
        put_byte(out, bytes[i]);
    }
}

static void put_text(window *out, uint8_t tag, const char *text) {
    uint8_t count = 0;
    while (count < 255 && text[count] != '\0') {
        count++;
    }
    put(out, tag, text, count);
}

static void put_u32(window *out, uint8_t tag, uint32_t value) {
    put(out, tag, &value, sizeof value);
}

static void put_u16(window *out, uint8_t tag, uint16_t value) {
    put(out, tag, &value, sizeof value);
}

static void put_stores(window *out, const port_info *info) {
    for (uint8_t i = 0; i < info->store_count; i++) {
        jsp_store_capability store = {0};
        store.store = info->stores[i].id;
        store.window = info->stores[i].window;
        store.written_by = info->stores[i].written_by;
        store.capacity_bytes = info->stores[i].capacity_bytes;
        put(out, JSP_TAG_STORE, &store, sizeof store);
    }
}

uint16_t jsa_capabilities_page(const port_info *info, uint16_t offset, uint8_t *page,
                               uint16_t capacity, uint16_t *total_bytes) {
    static const uint8_t weight_layouts[] = {JSP_LAYOUT_ROWS4};
    static const uint8_t plan_version[] = {JSP_PLAN_VERSION_MAJOR, JSP_PLAN_VERSION_MINOR};
    window out = {page, offset, capacity, 0};
    put_text(&out, JSP_TAG_FIRMWARE, JSA_FIRMWARE_VERSION);
    put_text(&out, JSP_TAG_BOARD, info->board_id);
    put_text(&out, JSP_TAG_DOMAIN, info->domain);
    put(&out, JSP_TAG_UID, info->uid, info->uid_bytes);
    put_text(&out, JSP_TAG_CORE, info->core);
    put_u32(&out, JSP_TAG_CLOCK_HZ, info->clock_hz);
    put_u32(&out, JSP_TAG_TICK_HZ, info->tick_hz);
    put_u16(&out, JSP_TAG_MAX_PAYLOAD_BYTES, JSA_MAX_PAYLOAD_BYTES);
    put_stores(&out, info);
    put_u32(&out, JSP_TAG_POOL_BYTES, info->pool_bytes);
    put_u32(&out, JSP_TAG_OP_SET, jr_op_set());
    put(&out, JSP_TAG_WEIGHT_LAYOUTS, weight_layouts, sizeof weight_layouts);
    put_u32(&out, JSP_TAG_FEATURES,
            info->features | JSP_FEATURE_PROFILE | JSP_FEATURE_ARENA_HIGH_WATER);
    put_text(&out, JSP_TAG_BUILD, JSA_BUILD);
    put_text(&out, JSP_TAG_ENGINE, "jump_rt " JR_VERSION);
    put_u16(&out, JSP_TAG_MAX_BATCH, JSA_MAX_BATCH);
    put_u32(&out, JSP_TAG_MAX_NS_PER_MAC, info->max_ns_per_mac);
    put(&out, JSP_TAG_PLAN_VERSION, plan_version, sizeof plan_version);
    put_u32(&out, JSP_TAG_STATIC_BYTES, info->static_bytes);
    put_u32(&out, JSP_TAG_STACK_BYTES, info->stack_bytes);
    put_text(&out, JSP_TAG_EMULATOR, info->emulator);
    *total_bytes = out.position;
    if (offset >= out.position) {
        return 0;
    }
    return (uint16_t)(out.position - offset) < capacity ? (uint16_t)(out.position - offset)
                                                        : capacity;
}
