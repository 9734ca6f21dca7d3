/*
 * Sizes of the agent's buffers. A port overrides them with -D to fit its RAM; the
 * defaults are for a board with some 8 KB to spare.
 */
#ifndef JSA_AGENT_CONFIG_H
#define JSA_AGENT_CONFIG_H

#include "jsp_protocol.h"

#define JSA_FIRMWARE_VERSION "0.1.0"

/* Compiler, flags and revision: at most 255 characters, given by the build. */
#ifndef JSA_BUILD
#define JSA_BUILD "unknown"
#endif

/* Largest payload of a frame, either way. */
#ifndef JSA_MAX_PAYLOAD_BYTES
#define JSA_MAX_PAYLOAD_BYTES 2048
#endif

/* Iterations of one RUN: a tick count of 8 bytes each is kept and answered. */
#ifndef JSA_MAX_BATCH
#define JSA_MAX_BATCH 32
#endif

/* Ops a profile keeps: 4 bytes each. */
#ifndef JSA_MAX_PROFILE_OPS
#define JSA_MAX_PROFILE_OPS 128
#endif

/* Inputs of a plan that can be sent (seeded ones are not limited): 4 bytes each. */
#ifndef JSA_MAX_SENT_INPUTS
#define JSA_MAX_SENT_INPUTS 16
#endif

/* Bytes taken from the port at a time, on the stack. */
#ifndef JSA_READ_BYTES
#define JSA_READ_BYTES 64
#endif

/* A run says ALIVE, and feeds the watchdog, when this long has passed since the last sign. */
#ifndef JSA_ALIVE_INTERVAL_MS
#define JSA_ALIVE_INTERVAL_MS 1000
#endif

/* 1: the port has port_instructions(). */
#ifndef JSA_COUNTS_INSTRUCTIONS
#define JSA_COUNTS_INSTRUCTIONS 0
#endif

#define JSA_MAX_FRAME_BYTES (JSP_HEADER_BYTES + JSA_MAX_PAYLOAD_BYTES + JSP_CRC_BYTES)

/* A COBS block: its code and up to 254 bytes, or the whole frame where that is shorter. */
#define JSA_MAX_BLOCK_BYTES (JSA_MAX_FRAME_BYTES < 254 ? JSA_MAX_FRAME_BYTES + 1 : 255)

/* Frames leave in pieces of about this size; at least a block between two delimiters, which is all
 * of a short frame. */
#ifndef JSA_WRITER_BUFFER_BYTES
#define JSA_WRITER_BUFFER_BYTES (JSA_MAX_BLOCK_BYTES + 2)
#endif

/* Pages of the capability list stay small enough for links with 128-byte frames. */
#define JSA_CAPABILITIES_PAGE_BYTES                                                                \
    (JSA_MAX_PAYLOAD_BYTES - 4 < 96 ? JSA_MAX_PAYLOAD_BYTES - 4 : 96)

typedef char jsa_interval_fits_its_nanoseconds[JSA_ALIVE_INTERVAL_MS <= 4294 ? 1 : -1];
typedef char jsa_payload_holds_a_batch
    [JSP_RUN_ANSWER_BYTES + 8 * JSA_MAX_BATCH <= JSA_MAX_PAYLOAD_BYTES ? 1 : -1];
typedef char jsa_payload_fits_its_length
    [JSA_MAX_PAYLOAD_BYTES >= JSP_ERROR_ANSWER_BYTES && JSA_MAX_PAYLOAD_BYTES <= 0xFF00 ? 1 : -1];
typedef char jsa_writer_holds_a_block[JSA_WRITER_BUFFER_BYTES >= JSA_MAX_BLOCK_BYTES + 2 ? 1 : -1];

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "messages are copied as they are: the agent runs on little-endian processors"
#endif

#endif
