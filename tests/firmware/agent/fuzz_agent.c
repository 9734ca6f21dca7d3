/*
 * Feeds the agent byte streams from standard input, each a little-endian length and
 * its bytes. The first is a HELLO on the wire, which is sent after each of the others
 * and must be answered. A stream begins where the last one left the agent, or, where
 * the top bit of its length is set, with a fresh one. Ends with 0 and how often
 * what was answered ("answer TYPE COUNT", "error CODE COUNT"), or aborts where the agent fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "memory_port.h"

#define MAX_STREAM_BYTES 65536u
#define FRESH            0x80000000u
#define ERRORS           64
#define LONGEST_STREAM_S 20

static void run_agent(jsa_agent *agent, const uint8_t *bytes, uint32_t count) {
    memory_port_set_input(bytes, count);
    while (memory_port_input_left() > 0) {
        jsa_agent_step(agent);
    }
}

/* How often the agent answered what. */
typedef struct tally {
    unsigned long answers[256];   /* by type */
    unsigned long errors[ERRORS]; /* by minus the code */
} tally;

/* Decodes and counts what the agent wrote; returns whether the last answer was HELLO's. */
static bool count_frames(jsa_frame_decoder *decoder, tally *seen) {
    uint32_t count, taken = 0;
    const uint8_t *bytes = memory_port_take_output(&count);
    bool greeted = false;
    jsa_decoder_init(decoder);
    while (taken < count) {
        jsa_request frame;
        taken += jsa_decoder_feed(decoder, bytes + taken, count - taken, &frame);
        if (frame.payload == NULL) {
            continue;
        }
        seen->answers[frame.type]++;
        if (frame.type == JSP_TYPE_ERROR) {
            jsp_error_answer error;
            memcpy(&error, frame.payload, sizeof error);
            if (error.code >= 0 || error.code <= -ERRORS) {
                fprintf(stderr, "error code %d\n", error.code);
                abort();
            }
            seen->errors[-error.code]++;
        }
        greeted = frame.type == (JSP_TYPE_HELLO | JSP_ANSWER_BIT) &&
                  frame.payload_bytes == JSP_HELLO_ANSWER_BYTES;
    }
    return greeted;
}

/* Reads a stream's header and bytes; false at the end of the input. */
static bool read_stream(uint32_t *header, uint8_t *bytes) {
    if (fread(header, sizeof *header, 1, stdin) != 1) {
        return false;
    }
    if ((*header & ~FRESH) > MAX_STREAM_BYTES ||
        fread(bytes, 1, *header & ~FRESH, stdin) != (*header & ~FRESH)) {
        fputs("the input is not a list of streams\n", stderr);
        exit(2);
    }
    return true;
}

int main(void) {
    static jsa_agent agent;
    static jsa_frame_decoder decoder;
    static tally seen;
    static uint8_t hello[MAX_STREAM_BYTES], stream[MAX_STREAM_BYTES];
    uint32_t hello_bytes, header;
    unsigned long streams = 0;
    if (!read_stream(&hello_bytes, hello)) {
        return 2;
    }
    port_init();
    jsa_agent_init(&agent);
    for (; read_stream(&header, stream); streams++) {
        uint32_t count = header & ~FRESH;
        uint8_t *exact = malloc(count + 1);
        if (header & FRESH) {
            jsa_agent_init(&agent);
        }
        alarm(LONGEST_STREAM_S);
        /* In a block of its own, so that a read beyond its end is found. */
        memcpy(exact, stream, count);
        run_agent(&agent, exact, count);
        free(exact);
        (void)count_frames(&decoder, &seen);
        run_agent(&agent, hello, hello_bytes);
        if (!count_frames(&decoder, &seen)) {
            fprintf(stderr, "no answer to HELLO after stream %lu\n", streams);
            abort();
        }
    }
    for (int type = 0; type < 256; type++) {
        if (seen.answers[type] > 0) {
            printf("answer %d %lu\n", type, seen.answers[type]);
        }
    }
    for (int code = 0; code < ERRORS; code++) {
        if (seen.errors[code] > 0) {
            printf("error %d %lu\n", -code, seen.errors[code]);
        }
    }
    return 0;
}
