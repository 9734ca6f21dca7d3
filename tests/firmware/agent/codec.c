/*
 * The agent's framing as a filter: a line in, lines out, numbers decimal, bytes
 * hexadecimal with "-" for none.
 *
 *   encode TYPE SESSION SEQUENCE PAYLOAD   ->   WIRE
 *   decode PIECE_BYTES WIRE                ->   "TYPE SESSION SEQUENCE PAYLOAD" a frame, then "."
 *
 * PIECE_BYTES is how much the decoder is fed at a time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_decoder.h"
#include "frame_writer.h"
#include "memory_port.h"
#include "port.h"

#define MAX_BYTES 400000u

static uint32_t parse_hex(const char *text, uint8_t *bytes) {
    uint32_t count = 0;
    unsigned byte;
    while (count < MAX_BYTES && sscanf(text + 2 * count, "%2x", &byte) == 1) {
        bytes[count++] = (uint8_t)byte;
    }
    return count;
}

static void print_hex(const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        printf("%02x", bytes[i]);
    }
    puts(count == 0 ? "-" : "");
}

static void encode(const char *arguments, const char *hex) {
    static uint8_t payload[MAX_BYTES];
    jsa_frame_writer writer;
    unsigned type, sequence;
    uint32_t session, count;
    const uint8_t *wire;
    if (sscanf(arguments, "%u %" SCNu32 " %u", &type, &session, &sequence) != 3) {
        exit(2);
    }
    count = parse_hex(hex, payload);
    jsa_frame_begin(&writer, (uint8_t)type, session, (uint16_t)sequence, (uint16_t)count);
    /* In two pieces, as an answer with data is. */
    jsa_frame_put(&writer, payload, count / 3);
    jsa_frame_put(&writer, payload + count / 3, count - count / 3);
    jsa_frame_end(&writer);
    wire = memory_port_take_output(&count);
    print_hex(wire, count);
}

static void decode(const char *arguments, const char *hex) {
    static uint8_t wire[MAX_BYTES];
    static jsa_frame_decoder decoder;
    uint32_t count = parse_hex(hex, wire);
    uint32_t piece_bytes = (uint32_t)strtoul(arguments, NULL, 10);
    uint32_t taken = 0;
    if (piece_bytes == 0) {
        exit(2);
    }
    jsa_decoder_init(&decoder);
    while (taken < count) {
        jsa_request frame;
        uint32_t rest = count - taken;
        taken += jsa_decoder_feed(&decoder, wire + taken, rest < piece_bytes ? rest : piece_bytes,
                                  &frame);
        if (frame.payload != NULL) {
            printf("%u %" PRIu32 " %u ", frame.type, frame.session, frame.sequence);
            print_hex(frame.payload, frame.payload_bytes);
        }
    }
    puts(".");
}

int main(void) {
    static char line[2 * MAX_BYTES + 64];
    port_init();
    while (fgets(line, sizeof line, stdin) != NULL) {
        const char *hex = strrchr(line, ' ');
        if (hex != NULL && strncmp(line, "encode ", 7) == 0) {
            encode(line + 7, hex + 1);
        } else if (hex != NULL && strncmp(line, "decode ", 7) == 0) {
            decode(line + 7, hex + 1);
        } else {
            return 2;
        }
        fflush(stdout);
    }
    return 0;
}
