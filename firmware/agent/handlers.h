/*
 * The inside of the agent: one handler a request. A handler sends its answer and
 * returns 0, or returns a negative JSP_E_* code with agent->fault filled.
 */
#ifndef JSA_HANDLERS_H
#define JSA_HANDLERS_H

#include "agent.h"

/* Opens the frame that answers `request`. */
void jsa_begin_answer(jsa_agent *agent, const jsa_request *request, uint16_t payload_bytes);

/* Sends the answer to `request`: its fixed part, then data where there is some. */
void jsa_answer(jsa_agent *agent, const jsa_request *request, const void *fixed,
                uint16_t fixed_bytes, const void *data, uint16_t data_bytes);

/* handshake.c */
int jsa_handle_hello(jsa_agent *agent, const jsa_request *request);
int jsa_handle_capabilities(jsa_agent *agent, const jsa_request *request);
int jsa_handle_lease(jsa_agent *agent, const jsa_request *request);
int jsa_handle_ping(jsa_agent *agent, const jsa_request *request);
int jsa_handle_reset(jsa_agent *agent, const jsa_request *request);

/* capabilities.c */

/* Length of the whole capability list. */
uint16_t jsa_capabilities_bytes(const JR_PLAN port_info *info);

/* Writes bytes `from` <= i < `to` of the list into the open frame. */
void jsa_put_capabilities(const JR_PLAN port_info *info, jsa_frame_writer *writer, uint16_t from,
                          uint16_t to);

/* upload.c */
int jsa_handle_plan_begin(jsa_agent *agent, const jsa_request *request);
int jsa_handle_plan_chunk(jsa_agent *agent, const jsa_request *request);
int jsa_handle_plan_end(jsa_agent *agent, const jsa_request *request);

/* input.c */
int jsa_handle_input(jsa_agent *agent, const jsa_request *request);

/* The first input that is not wholly sent, or JSP_NO_INDEX. */
uint16_t jsa_first_stale_input(const jsa_plan *plan);

/* Makes every input stale. */
void jsa_forget_inputs(jsa_plan *plan);

/* Draws every input as protocol/generator.py does. */
void jsa_draw_inputs(const jr_engine *engine, uint32_t seed);

uint32_t jsa_inputs_crc32(const jr_engine *engine);

/* run.c */
int jsa_handle_run(jsa_agent *agent, const jsa_request *request);

/* readback.c */
int jsa_handle_profile(jsa_agent *agent, const jsa_request *request);
int jsa_handle_output(jsa_agent *agent, const jsa_request *request);
int jsa_handle_arena(jsa_agent *agent, const jsa_request *request);

#endif
