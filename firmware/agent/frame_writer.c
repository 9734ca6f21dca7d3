#include "frame_writer.h"

#include <string.h>

#include "port.h"

/* Whether a frame can be longer than a block: else none is full, and the buffer holds all of it. */
#define BLOCKS_FILL (JSA_MAX_FRAME_BYTES >= 254)

static void open_block(jsa_frame_writer *writer) {
    /* The block, and the delimiter that may follow it, must fit. */
    if (BLOCKS_FILL && sizeof writer->buffer - writer->count < JSA_MAX_BLOCK_BYTES + 1) {
        port_write(writer->buffer, writer->count);
        writer->count = 0;
    }
    writer->code_at = writer->count++;
}

static void close_block(jsa_frame_writer *writer) {
    uint8_t code = (uint8_t)(writer->count - writer->code_at);
    writer->buffer[writer->code_at] = code;
    writer->after_full = code == 0xFF;
}

static void encode(jsa_frame_writer *writer, const uint8_t *bytes, jr_size count) {
    for (; count > 0; count--) {
        const uint8_t byte = *bytes++;
        if (byte != 0) {
            writer->buffer[writer->count++] = byte;
        }
        if (byte == 0 || (BLOCKS_FILL && writer->count - writer->code_at == 0xFF)) {
            close_block(writer);
            open_block(writer);
        }
    }
}

void jsa_frame_begin(jsa_frame_writer *writer, uint8_t type, uint32_t session, uint16_t sequence,
                     uint16_t length) {
    uint8_t header[JSP_HEADER_BYTES];
    header[JSP_HEADER_VERSION] = JSP_PROTOCOL_VERSION;
    header[JSP_HEADER_TYPE] = type;
    memcpy(header + JSP_HEADER_SESSION, &session, sizeof session);
    memcpy(header + JSP_HEADER_SEQUENCE, &sequence, sizeof sequence);
    memcpy(header + JSP_HEADER_LENGTH, &length, sizeof length);
    writer->buffer[0] = 0;
    writer->count = 1;
    writer->crc = 0;
    writer->after_full = false;
    open_block(writer);
    jsa_frame_put(writer, header, sizeof header);
}

void jsa_frame_put(jsa_frame_writer *writer, const void *data, jr_size count) {
    writer->crc = jr_crc32(writer->crc, data, count);
    encode(writer, data, count);
}

void jsa_frame_end(jsa_frame_writer *writer) {
    uint32_t crc = writer->crc;
    encode(writer, (const uint8_t *)&crc, sizeof crc);
    /* A full block that ends the frame stands alone: the block opened after it is not needed. */
    if (BLOCKS_FILL && writer->after_full && writer->count - writer->code_at == 1) {
        writer->count--;
    } else {
        close_block(writer);
    }
    writer->buffer[writer->count++] = 0;
    port_write(writer->buffer, writer->count);
}
