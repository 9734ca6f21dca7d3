#include "frame_decoder.h"

#include <string.h>

/* What CRC-32 yields over any bytes that end in their own CRC. */
#define CRC_RESIDUE 0x2144DF1Cu

void jsa_decoder_init(jsa_frame_decoder *decoder) {
    decoder->count = 0;
    decoder->crc_end = 0;
    decoder->crc = 0;
    decoder->code = 0;
    decoder->left = 0;
    decoder->overflowed = false;
}

static void append(jsa_frame_decoder *decoder, uint8_t byte) {
    if (decoder->count == sizeof decoder->frame) {
        decoder->overflowed = true;
    } else {
        decoder->frame[decoder->count++] = byte;
    }
}

static void take_byte(jsa_frame_decoder *decoder, uint8_t byte) {
    if (decoder->left > 0) {
        decoder->left--;
        append(decoder, byte);
        return;
    }
    /* A block stands for its bytes and a zero, unless it is a full one or the last. */
    if (decoder->code != 0 && decoder->code != 0xFF) {
        append(decoder, 0);
    }
    decoder->code = byte;
    decoder->left = (uint8_t)(byte - 1);
}

static void update_crc(jsa_frame_decoder *decoder) {
    decoder->crc = jr_crc32(decoder->crc, decoder->frame + decoder->crc_end,
                            (jr_size)(decoder->count - decoder->crc_end));
    decoder->crc_end = decoder->count;
}

static bool finish(const jsa_frame_decoder *decoder, jsa_request *request) {
    const uint8_t *frame = decoder->frame;
    uint16_t length;
    if (decoder->overflowed || decoder->left > 0 ||
        decoder->count < JSP_HEADER_BYTES + JSP_CRC_BYTES || decoder->crc != CRC_RESIDUE ||
        frame[JSP_HEADER_VERSION] != JSP_PROTOCOL_VERSION) {
        return false;
    }
    memcpy(&length, frame + JSP_HEADER_LENGTH, sizeof length);
    if (length != decoder->count - JSP_HEADER_BYTES - JSP_CRC_BYTES) {
        return false;
    }
    request->type = frame[JSP_HEADER_TYPE];
    memcpy(&request->session, frame + JSP_HEADER_SESSION, sizeof request->session);
    memcpy(&request->sequence, frame + JSP_HEADER_SEQUENCE, sizeof request->sequence);
    request->payload = frame + JSP_HEADER_BYTES;
    request->payload_bytes = length;
    return true;
}

jr_size jsa_decoder_feed(jsa_frame_decoder *decoder, const uint8_t *bytes, jr_size count,
                         jsa_request *request) {
    request->payload = NULL;
    for (jr_size i = 0; i < count; i++) {
        bool whole;
        if (bytes[i] != 0) {
            take_byte(decoder, bytes[i]);
            continue;
        }
        update_crc(decoder);
        whole = finish(decoder, request);
        jsa_decoder_init(decoder);
        if (whole) {
            return i + 1;
        }
    }
    update_crc(decoder);
    return count;
}
