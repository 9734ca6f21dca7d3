/*
 * The runtime on the part, one plan of many at a time: what is in the plan store is for the host
 * to say. A request is a header and perhaps data; kernel_board.py has the other side.
 */
#include <stddef.h>

#include "jr_kernel.h"
#include "memory.h"
#include "port.h"

#include "avr/dot_product.h"
#include "requantize.h"

typedef struct request {
    uint8_t command;
    uint16_t offset; /* in the plan store or in the arena */
    uint16_t count;
    uint32_t value;
} __attribute__((packed)) request;

static jr_engine engine;
static jr_params params;

static void receive(void *target, jr_size count) {
    uint8_t *bytes = target;
    while (count > 0) {
        const jr_size had = port_read(bytes, count > 8 ? 8 : count);
        bytes += had;
        count -= had;
    }
}

static void answer(uint32_t word) {
    port_write((const uint8_t *)&word, sizeof word);
}

/* Count triples of value, multiplier and shift in the arena; the values become results. */
static void requantize(uint8_t command, jr_size count) {
    int32_t *triple = (int32_t *)__pool_start;
    for (; count > 0; count--) {
        switch (command) {
        case 'H':
            triple[0] = jr_multiply_high(triple[0], triple[1]);
            break;
        case 'S':
            triple[0] = jr_rounding_shift_right(triple[0], (int)triple[2]);
            break;
        default:
            triple[0] = jr_requantize(triple[0], triple[1], (int8_t)triple[2]);
            break;
        }
        triple += 3;
    }
    answer(0);
}

static void load(const request *r) {
    jr_fault fault;
    engine.params = &params;
    answer((uint32_t)(int32_t)jr_load(&engine, port_store_address(0) + r->offset, r->count,
                                      __pool_start, (jr_size)r->value, &fault));
    answer(fault.index);
    answer(fault.needed);
    answer(fault.available);
}

static void obey(const request *r) {
    const JR_PLAN uint8_t *stored = port_store_address(0) + r->offset;
    uint8_t *in_arena = __pool_start + r->offset;
    switch (r->command) {
    case 'L':
        load(r);
        break;
    case 'W':
        receive(in_arena, r->count);
        answer(r->count);
        break;
    case 'A':
        port_write(in_arena, r->count);
        break;
    case 'R':
        jr_run(&engine, JSP_ALL_OPS, NULL);
        answer(0);
        break;
    case 'C':
        answer(jr_crc32(r->value, in_arena, r->count));
        break;
    case 'P':
        answer(jr_plan_crc32(r->value, stored, r->count));
        break;
    case 'D':
        answer(jr_avr_dot(r->value, (const int8_t *)__pool_start, (const JR_PLAN int8_t *)stored,
                          r->count));
        break;
    default:
        requantize(r->command, r->count);
        break;
    }
}

int main(void) {
    request r;
    port_init();
    for (;;) {
        port_feed_watchdog();
        receive(&r, sizeof r);
        obey(&r);
    }
}
