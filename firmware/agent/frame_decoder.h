/*
 * Turns received bytes into frames. COBS is undone and the CRC runs on while the
 * bytes come in; whatever it is fed, the next delimiter starts afresh.
 */
#ifndef JSA_FRAME_DECODER_H
#define JSA_FRAME_DECODER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent_config.h"
#include "jump_rt.h"

typedef struct jsa_frame_decoder {
    uint16_t count;   /* bytes of the frame decoded so far */
    uint16_t crc_end; /* of which the CRC covers this many */
    uint32_t crc;
    uint8_t code;    /* of the COBS block at hand; 0 before a frame's first */
    uint8_t left;    /* bytes the block still has */
    bool overflowed; /* longer than the largest frame */
    uint8_t frame[JSA_MAX_FRAME_BYTES];
} jsa_frame_decoder;

/* One request, as received. The payload lies in the decoder, unaligned, until the next feed. */
typedef struct jsa_request {
    uint8_t type;
    uint16_t sequence;
    uint32_t session;
    const uint8_t *payload;
    uint16_t payload_bytes;
} jsa_request;

void jsa_decoder_init(jsa_frame_decoder *decoder);

/*
 * Takes bytes up to the end of the first whole frame and returns how many it took;
 * `request->payload` is NULL where none ended. Damaged frames and those of another
 * protocol version are dropped without a word.
 */
jr_size jsa_decoder_feed(jsa_frame_decoder *decoder, const uint8_t *bytes, jr_size count,
                         jsa_request *request);

#endif
