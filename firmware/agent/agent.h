/*
 * The agent: serves one session at a time over whatever its port reads and writes.
 * It knows no board. All state is one structure that main owns.
 */
#ifndef JSA_AGENT_H
#define JSA_AGENT_H

#include "frame_decoder.h"
#include "frame_writer.h"
#include "jump_rt.h"
#include "port.h"
#include "session.h"

typedef enum jsa_upload_state {
    JSA_UPLOAD_NONE,
    JSA_UPLOAD_RECEIVING,
    JSA_UPLOAD_STORED /* every byte is in the store; the checksum may still be wrong */
} jsa_upload_state;

/* The plan that is being sent, or was. */
typedef struct jsa_upload {
    jsa_upload_state state;
    uint8_t store;
    jr_size size_bytes;
    jr_size next_offset;
    uint32_t crc32;
} jsa_upload;

/* The plan that is ready to run, in its arena between two guards. */
typedef struct jsa_plan {
    bool loaded;
    jr_engine engine;
    jr_size arena_available_bytes;
    jr_size input_received_bytes[JSA_MAX_SENT_INPUTS]; /* from 0; fresh when whole */
} jsa_plan;

typedef struct jsa_results {
    jsp_run_answer run;
    uint64_t ticks[JSA_MAX_BATCH]; /* an iteration each; run.iterations of them */
    uint16_t profile_ops;
    uint32_t op_ticks[JSA_MAX_PROFILE_OPS]; /* of the last profiled iteration */
} jsa_results;

/* What is used most comes first: small processors reach it with short instructions. */
typedef struct jsa_agent {
    const JR_PLAN port_info *info;
    jsa_request request; /* the one at hand */
    jr_fault fault;      /* what is wrong with it */
    jsa_upload upload;
    jsa_plan plan;
    jsa_lease lease;
    jsa_outcome lease_outcome;
    jsa_outcome run_outcome;
    jsa_results results;
    jsp_start_check start_check; /* store 0: there was nothing to check */
    /* A request is read out of the decoder before a run begins or its answer is written, and signs
     * of life are sent between ops: one buffer does for all. */
    union {
        jsa_frame_decoder decoder;
        jsa_frame_writer writer;
#if JR_PLAN_IS_APART
        jr_params params;
#endif
    } frame;
} jsa_agent;

void jsa_agent_init(jsa_agent *agent);

/* Reads what has arrived and answers it, or idles where nothing has. */
void jsa_agent_step(jsa_agent *agent);

/* Brings the port up and serves for good. */
void jsa_agent_main(jsa_agent *agent) __attribute__((noreturn));

#endif
