#include <stddef.h>

#include "handlers.h"

/*
 * The list, of which only a window is sent: nobody needs room for the whole. An entry is a tag, a
 * length, and bytes that lie in port_info, at the end of a pointer of it, or here.
 */
typedef struct window {
    jsa_frame_writer *writer; /* NULL: the list is only measured */
    uint16_t from;
    uint16_t to;
    uint16_t position; /* in the list */
} window;

/* A fact of port_info, as it lies there. */
typedef struct fact {
    uint8_t tag;
    uint8_t offset;
    uint8_t count;
} fact;

#define FACT(tag, member)                                                                          \
    { JSP_TAG_##tag, offsetof(port_info, member), sizeof(((port_info *)0)->member) }

static const JR_PLAN fact facts[] = {
    FACT(CLOCK_HZ, clock_hz),         FACT(TICK_HZ, tick_hz),
    FACT(POOL_BYTES, pool_bytes),     FACT(MAX_NS_PER_MAC, max_ns_per_mac),
    FACT(STATIC_BYTES, static_bytes), FACT(STACK_BYTES, stack_bytes),
};

/* Entries that every board of this build has alike: tag, length, value. */
static const JR_PLAN uint8_t settings[] = {
    JSP_TAG_MAX_PAYLOAD_BYTES,
    2,
    JSA_MAX_PAYLOAD_BYTES & 0xFF,
    JSA_MAX_PAYLOAD_BYTES >> 8,
    JSP_TAG_MAX_BATCH,
    2,
    JSA_MAX_BATCH & 0xFF,
    JSA_MAX_BATCH >> 8,
    JSP_TAG_PLAN_VERSION,
    2,
    JSP_PLAN_VERSION_MAJOR,
    JSP_PLAN_VERSION_MINOR,
    JSP_TAG_WEIGHT_LAYOUTS,
    1,
    JSP_LAYOUT_ROWS4,
};

static void put_byte(window *out, uint8_t byte) {
    if (out->writer != NULL && out->position >= out->from && out->position < out->to) {
        jsa_frame_put(out->writer, &byte, sizeof byte);
    }
    out->position++;
}

/* Bytes of where constants are. */
static void put_constant(window *out, const JR_PLAN void *value, uint8_t count) {
    const JR_PLAN uint8_t *bytes = value;
    for (; count > 0; count--) {
        put_byte(out, *bytes++);
    }
}

static void put(window *out, uint8_t tag, const JR_PLAN void *value, uint8_t count) {
    put_byte(out, tag);
    put_byte(out, count);
    put_constant(out, value, count);
}

static void put_text(window *out, uint8_t tag, const JR_PLAN char *text) {
    uint8_t count = 0;
    while (count < 255 && text[count] != '\0') {
        count++;
    }
    put(out, tag, text, count);
}

static void put_u32(window *out, uint8_t tag, uint32_t value) {
    put_byte(out, tag);
    put_byte(out, sizeof value);
    for (uint8_t i = 0; i < sizeof value; i++) {
        put_byte(out, (uint8_t)value);
        value >>= 8;
    }
}

/* Of what is known only when the board is up, so in RAM. */
static void put_variable(window *out, uint8_t tag, const void *value, uint8_t count) {
    const uint8_t *bytes = value;
    put_byte(out, tag);
    put_byte(out, count);
    for (; count > 0; count--) {
        put_byte(out, *bytes++);
    }
}

static void put_emulator(window *out, const char *name) {
    uint8_t count = 0;
    while (count < 255 && name[count] != '\0') {
        count++;
    }
    put_variable(out, JSP_TAG_EMULATOR, name, count);
}

static void put_stores(window *out, const JR_PLAN port_info *info) {
    for (uint8_t i = 0; i < info->store_count; i++) {
        const JR_PLAN port_store *store = &info->stores[i];
        put_byte(out, JSP_TAG_STORE);
        put_byte(out, sizeof(jsp_store_capability));
        put_byte(out, store->id);
        put_byte(out, store->window);
        put_byte(out, store->written_by);
        put_byte(out, 0);
        put_constant(out, &store->capacity_bytes, sizeof store->capacity_bytes);
    }
}

static void put_list(window *out, const jsa_agent *agent) {
    const JR_PLAN port_info *const info = agent->info;
    static const JR_PLAN char firmware[] = JSA_FIRMWARE_VERSION;
    static const JR_PLAN char build[] = JSA_BUILD;
    static const JR_PLAN char engine[] = "jump_rt " JR_VERSION;
    put_text(out, JSP_TAG_FIRMWARE, firmware);
    put_text(out, JSP_TAG_BOARD, info->board_id);
    put_text(out, JSP_TAG_DOMAIN, info->domain);
    put(out, JSP_TAG_UID, info->uid, info->uid_bytes);
    put_text(out, JSP_TAG_CORE, info->core);
    for (uint8_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        put(out, facts[i].tag, (const JR_PLAN uint8_t *)info + facts[i].offset, facts[i].count);
    }
    put_constant(out, settings, sizeof settings);
    put_stores(out, info);
    put_u32(out, JSP_TAG_OP_SET, jr_op_set());
    put_u32(out, JSP_TAG_FEATURES,
            info->features | JSP_FEATURE_PROFILE | JSP_FEATURE_ARENA_HIGH_WATER);
    put_text(out, JSP_TAG_BUILD, build);
    put_text(out, JSP_TAG_ENGINE, engine);
    put_emulator(out, info->emulator);
    if (agent->start_check.store != 0) {
        put_variable(out, JSP_TAG_START_CHECK, &agent->start_check, sizeof agent->start_check);
    }
}

uint16_t jsa_capabilities_bytes(const jsa_agent *agent) {
    window out = {0};
    put_list(&out, agent);
    return out.position;
}

void jsa_put_capabilities(jsa_agent *agent, uint16_t from, uint16_t to) {
    window out = {0};
    out.writer = &agent->frame.writer;
    out.from = from;
    out.to = to;
    put_list(&out, agent);
}
