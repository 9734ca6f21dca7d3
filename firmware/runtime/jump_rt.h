/*
 * jump_rt: runs a plan. No heap, no floating point in kernels; the caller owns
 * all memory. The plan is read in place and never written; the arena is the only
 * memory that a run writes, besides the stack.
 */
#ifndef JUMP_RT_H
#define JUMP_RT_H

#include <stdint.h>

#include "jsp_protocol.h"

#define JR_VERSION "0.1.0"

/*
 * Address space of the plan, and of constants that are not worth their room in RAM.
 * Empty where flash and RAM share one; a port whose flash needs its own instructions
 * (AVR) defines it as the compiler's qualifier.
 */
#ifdef JR_PLAN
#define JR_PLAN_IS_APART 1
#else
#define JR_PLAN_IS_APART 0
#define JR_PLAN
#endif

/*
 * Counts and offsets of a plan that was checked, and positions that may lie before their object:
 * of 16 bits where an address has no more, for then no tensor and no plan is larger.
 */
#if UINTPTR_MAX <= 0xFFFF
typedef uint16_t jr_size;
typedef int16_t jr_position;
#define JR_SIZE_BITS 16
#else
typedef uint32_t jr_size;
typedef int32_t jr_position;
#define JR_SIZE_BITS 32
#endif

/* What a check found wrong: beside the error code it returns. */
typedef struct jr_fault {
    uint16_t index;     /* op or tensor concerned, or JSP_NO_INDEX */
    uint32_t needed;    /* bytes, where the code speaks of sizes */
    uint32_t available; /* bytes */
} jr_fault;

/* Room for the parameters of any kind that this build has. */
typedef union jr_params {
#if !defined(JR_OMIT_CONV_2D) || !defined(JR_OMIT_DEPTHWISE_CONV_2D)
    jsp_conv_params conv;
#endif
#if !defined(JR_OMIT_ADD) || !defined(JR_OMIT_MUL)
    jsp_elementwise_params elementwise;
#endif
#ifndef JR_OMIT_PAD
    jsp_pad_params pad;
#endif
#ifndef JR_OMIT_MEAN
    jsp_mean_params mean;
#endif
#ifndef JR_OMIT_TRANSPOSE
    jsp_transpose_params transpose;
#endif
    jsp_fully_connected_params fully_connected; /* no other is larger */
#ifdef JR_PARAMS_ROOM_BYTES
    uint8_t room[JR_PARAMS_ROOM_BYTES]; /* for kernels that work in it */
#endif
} jr_params;

/* A checked plan bound to an arena. The caller owns it, the plan and the arena. */
typedef struct jr_engine {
    const JR_PLAN uint8_t *plan;
    const JR_PLAN jsp_plan_header *header;
    uint8_t *arena;
#if JR_PLAN_IS_APART
    jr_params *params; /* the caller's, set before a run: an op's copy, of no use between ops */
#endif
} jr_engine;

/* Bytes in the arena, whose owner keeps them. */
typedef struct jr_block {
    uint8_t *bytes;
    jr_size count;
} jr_block;

/* Called around every op, outside its work; either may be NULL. Owned by the caller. */
typedef struct jr_hooks {
    void (*before_op)(void *context, uint16_t op);
    void (*after_op)(void *context, uint16_t op);
    void *context;
} jr_hooks;

/*
 * Checks the whole plan (magic, version, CRC, tables, every offset, shape and
 * parameter, every kernel's read and write extent) and binds it to the arena.
 * `plan` and `arena` are 16-byte aligned and outlive the engine. Returns 0 or a
 * negative JSP_E_PLAN_* / JSP_E_ARENA_TOO_SMALL code with `fault` filled.
 */
int jr_load(jr_engine *engine, const JR_PLAN uint8_t *plan, jr_size plan_bytes, uint8_t *arena,
            jr_size arena_bytes, jr_fault *fault);

/* Runs the first `op_limit` ops (JSP_ALL_OPS: all). The engine was loaded; cannot fail. */
void jr_run(const jr_engine *engine, uint16_t op_limit, const jr_hooks *hooks);

/* Input `index` / output `index` of the contract: where it is in the arena; NULL and 0 without one.
 */
jr_block jr_input_block(const jr_engine *engine, uint16_t index);
jr_block jr_output_block(const jr_engine *engine, uint16_t index);

/* Tensor `index` of the plan, or NULL; its bytes begin at arena + arena_offset. */
const JR_PLAN jsp_plan_tensor *jr_tensor(const jr_engine *engine, uint16_t index);

/* Bit set of the op kinds this build has (bit = JSP_OP_*). */
uint32_t jr_op_set(void);

/* CRC-32 (IEEE 802.3, as zlib's): pass 0 first, then the previous result. */
uint32_t jr_crc32(uint32_t crc, const void *data, jr_size count);

/* The same over bytes of a plan. */
uint32_t jr_plan_crc32(uint32_t crc, const JR_PLAN void *plan, jr_size count);

#endif
