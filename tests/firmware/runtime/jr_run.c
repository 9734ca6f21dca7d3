/*
 * Runs plans for the tests: requests on standard input, answers on standard output,
 * until the input ends. Plan and arena live in heap blocks of exactly their sizes, so
 * that AddressSanitizer sees a byte read or written beside them.
 *
 * Request: command (1 byte), length (uint32), payload. All integers little-endian.
 *   'L' arena_bytes (uint32), plan    -> code (int32), index, needed, available (uint32)
 *   'W' offset (uint32), bytes        -> nothing; writes the arena
 *   'A' offset, length (uint32)       -> the arena's bytes
 *   'R' op_limit (uint32)             -> count (uint32), the outputs' bytes op by op
 *   'Q' int32 value, multiplier, shift; repeated -> int32 results of jr_requantize
 *   'S' uint32 sums; repeated         -> int32 mantissa, exponent of jr_reciprocal each
 *   'C' crc (uint32), bytes           -> uint32 jr_crc32
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jr_kernel.h"
#include "requantize.h"
#include "softmax.h"

typedef struct runner {
    jr_engine engine;
    uint8_t *plan;
    uint8_t *arena;
    uint32_t arena_bytes;
    uint8_t *outputs; /* of all ops, while 'R' collects them */
    uint32_t outputs_bytes;
} runner;

static void fail(const char *what) {
    fprintf(stderr, "jr-run: %s\n", what);
    exit(2);
}

static void *allocate(uint32_t bytes) {
    void *block = malloc(bytes);
    if (block == NULL && bytes != 0) {
        fail("out of memory");
    }
    return block;
}

static void answer(const void *data, size_t bytes) {
    if (bytes != 0 && fwrite(data, 1, bytes, stdout) != bytes) {
        fail("cannot answer");
    }
}

static uint32_t word(const uint8_t *payload, uint32_t index) {
    uint32_t value;
    memcpy(&value, payload + 4u * index, sizeof value);
    return value;
}

static void load(runner *r, const uint8_t *payload, uint32_t length) {
    const uint32_t plan_bytes = length - 4u;
    uint32_t report[4];
    jr_fault fault;
    free(r->plan);
    free(r->arena);
    r->plan = allocate(plan_bytes);
    r->arena_bytes = word(payload, 0);
    r->arena = allocate(r->arena_bytes);
    if (plan_bytes != 0) {
        memcpy(r->plan, payload + 4, plan_bytes);
    }
    if (r->arena_bytes != 0) {
        memset(r->arena, 0xA5, r->arena_bytes);
    }
    report[0] =
        (uint32_t)jr_load(&r->engine, r->plan, plan_bytes, r->arena, r->arena_bytes, &fault);
    report[1] = fault.index;
    report[2] = fault.needed;
    report[3] = fault.available;
    answer(report, sizeof report);
}

static void collect_outputs(void *context, uint16_t index) {
    runner *r = context;
    const jsp_plan_op *op =
        (const jsp_plan_op *)(const void *)(r->plan + r->engine.header->ops_offset);
    const uint16_t *tensors;
    uint16_t i;
    for (i = 0; i < index; i++) {
        op = (const jsp_plan_op *)(const void *)((const uint8_t *)op + op->record_bytes);
    }
    tensors = (const uint16_t *)(const void *)(op + 1);
    for (i = op->input_count; i < op->input_count + op->output_count; i++) {
        const jsp_plan_tensor *tensor = jr_tensor(&r->engine, tensors[i]);
        r->outputs = realloc(r->outputs, r->outputs_bytes + tensor->size_bytes);
        if (r->outputs == NULL) {
            fail("out of memory");
        }
        memcpy(r->outputs + r->outputs_bytes, r->arena + tensor->arena_offset, tensor->size_bytes);
        r->outputs_bytes += tensor->size_bytes;
    }
}

static void run(runner *r, const uint8_t *payload) {
    const jr_hooks hooks = {NULL, collect_outputs, r};
    r->outputs_bytes = 0;
    jr_run(&r->engine, (uint16_t)word(payload, 0), &hooks);
    answer(&r->outputs_bytes, sizeof r->outputs_bytes);
    answer(r->outputs, r->outputs_bytes);
}

static void requantize(const uint8_t *payload, uint32_t length) {
    uint32_t i;
    for (i = 0; i < length / 12u; i++) {
        const int32_t result =
            jr_requantize((int32_t)word(payload, 3 * i), (int32_t)word(payload, 3 * i + 1),
                          (int32_t)word(payload, 3 * i + 2));
        answer(&result, sizeof result);
    }
}

static void reciprocals(const uint8_t *payload, uint32_t length) {
    uint32_t i;
    for (i = 0; i < length / 4u; i++) {
        int32_t result[2];
        result[0] = jr_reciprocal(word(payload, i), &result[1]);
        answer(result, sizeof result);
    }
}

static void arena(runner *r, uint8_t command, const uint8_t *payload, uint32_t length) {
    const uint32_t offset = word(payload, 0);
    const uint32_t count = command == 'W' ? length - 4u : word(payload, 1);
    if (offset > r->arena_bytes || count > r->arena_bytes - offset) {
        fail("outside the arena");
    }
    if (command == 'A') {
        answer(r->arena + offset, count);
    } else if (count != 0) {
        memcpy(r->arena + offset, payload + 4, count);
    }
}

static void serve(runner *r, uint8_t command, const uint8_t *payload, uint32_t length) {
    uint32_t crc;
    switch (command) {
    case 'L':
        load(r, payload, length);
        break;
    case 'W':
    case 'A':
        arena(r, command, payload, length);
        break;
    case 'R':
        run(r, payload);
        break;
    case 'Q':
        requantize(payload, length);
        break;
    case 'S':
        reciprocals(payload, length);
        break;
    case 'C':
        crc = jr_crc32(word(payload, 0), payload + 4, length - 4u);
        answer(&crc, sizeof crc);
        break;
    default:
        fail("unknown command");
    }
}

int main(void) {
    runner r;
    uint8_t command;
    uint32_t length;
    memset(&r, 0, sizeof r);
    while (fread(&command, 1, 1, stdin) == 1 && fread(&length, sizeof length, 1, stdin) == 1) {
        uint8_t *payload = allocate(length);
        if (fread(payload, 1, length, stdin) != length) {
            fail("request cut short");
        }
        serve(&r, command, payload, length);
        free(payload);
        fflush(stdout);
    }
    free(r.plan);
    free(r.arena);
    free(r.outputs);
    return 0;
}
