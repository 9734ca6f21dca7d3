/*
 * Streams a frame out: CRC and COBS are done on the way, from pieces that stay
 * where they are, through a buffer of little more than one COBS block.
 */
#ifndef JSA_FRAME_WRITER_H
#define JSA_FRAME_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent_config.h"
#include "jump_rt.h"

typedef struct jsa_frame_writer {
    uint16_t count;   /* bytes in the buffer */
    uint16_t code_at; /* where the open block's code goes */
    bool after_full;  /* the block before the open one was a full one */
    uint32_t crc;
    uint8_t buffer[JSA_WRITER_BUFFER_BYTES];
} jsa_frame_writer;

/* Opens a frame whose payload will have exactly `length` bytes. */
void jsa_frame_begin(jsa_frame_writer *writer, uint8_t type, uint32_t session, uint16_t sequence,
                     uint16_t length);
void jsa_frame_put(jsa_frame_writer *writer, const void *data, jr_size count);
void jsa_frame_end(jsa_frame_writer *writer);

#endif
