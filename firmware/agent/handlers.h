/*
 * The inside of the agent: one handler a request. A handler sends its answer and
 * returns 0, or returns a negative JSP_E_* code with agent->fault filled. The size of the
 * request's payload was checked: see the table in agent_main.c.
 */
#ifndef JSA_HANDLERS_H
#define JSA_HANDLERS_H

#include "agent.h"

/* answer.c: what is sent answers agent->request. */

/* Opens the frame of an answer whose payload will have so many bytes. */
void jsa_begin_answer(jsa_agent *agent, uint16_t payload_bytes);

/* Sends a whole answer; returns 0. */
int jsa_answer(jsa_agent *agent, const void *payload, uint16_t count);

/* Sends an answer of a fixed part and data behind it; returns 0. */
int jsa_answer_with(jsa_agent *agent, const void *fixed, uint16_t fixed_bytes, const void *data,
                    uint16_t data_bytes);

/* Says that the request is still being worked on, before op `next_op`. */
void jsa_send_alive(jsa_agent *agent, uint16_t next_op, uint16_t op_count);

/* Sends the error, with agent->fault. */
void jsa_answer_error(jsa_agent *agent, int code);

/* Fills agent->fault with two sizes; returns `code`. */
int jsa_lacks(jsa_agent *agent, int code, uint32_t needed, uint32_t available);

/* handshake.c */
int jsa_handle_hello(jsa_agent *agent);
int jsa_handle_capabilities(jsa_agent *agent);
int jsa_handle_lease(jsa_agent *agent);
int jsa_handle_ping(jsa_agent *agent);
int jsa_handle_reset(jsa_agent *agent);

/* capabilities.c */

/* Length of the whole capability list. */
uint16_t jsa_capabilities_bytes(const jsa_agent *agent);

/* Writes bytes `from` <= i < `to` of the list into the open frame. */
void jsa_put_capabilities(jsa_agent *agent, uint16_t from, uint16_t to);

/* plan.c */
int jsa_handle_plan_begin(jsa_agent *agent);
int jsa_handle_plan_end(jsa_agent *agent);

/* Loads the plan of agent->upload, whose bytes are all there; 0 or a JSP_E_* code. */
int jsa_load_plan(jsa_agent *agent);

/* CRC-32 of the first bytes of a store. */
uint32_t jsa_stored_crc32(uint8_t store, jr_size size_bytes);

/* upload.c, or upload_read_only.c where programmers write every store. */

/* Whether what `begin` announces is being received. */
bool jsa_upload_goes_on(const jsa_upload *upload, const jsp_plan_begin_request *begin);

/* What `begin` announces is not stored yet: makes ready to receive it. 0 or a JSP_E_* code. */
int jsa_upload_start(jsa_agent *agent, const jsp_plan_begin_request *begin, uint8_t written_by);

/* The store holds what was announced, to the last bit; 0 or a JSP_E_* code. */
int jsa_upload_finish(jsa_agent *agent);

int jsa_handle_plan_chunk(jsa_agent *agent);

/* input.c */
int jsa_handle_input(jsa_agent *agent);

/* The first input that is not wholly sent, or JSP_NO_INDEX. */
uint16_t jsa_first_stale_input(const jsa_plan *plan);

/* Makes every input stale. */
void jsa_forget_inputs(jsa_plan *plan);

/* Draws every input as protocol/generator.py does. */
void jsa_draw_inputs(const jr_engine *engine, uint32_t seed);

/* run.c */
int jsa_handle_run(jsa_agent *agent);

/* CRC-32 over all outputs, one after the other. */
uint32_t jsa_outputs_crc32(const jr_engine *engine);

/* start.c: checks and loads a plan that lies in flash with its self-test record. */
void jsa_start_plan(jsa_agent *agent);

/* readback.c */
int jsa_handle_profile(jsa_agent *agent);
int jsa_handle_output(jsa_agent *agent);
int jsa_handle_arena(jsa_agent *agent);

#endif
