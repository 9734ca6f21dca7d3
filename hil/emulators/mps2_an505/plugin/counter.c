/*
 * Counts the instructions that the emulated board executes, estimates their cycles, and tells the
 * board when it asks. A plug-in can write no guest memory, so it writes into the pipe behind the
 * board's UART1; the board asks by DBG, which is a NOP on every part:
 *
 *   DBG #1  stop counting; send cycles and instructions, 8 bytes each, little-endian
 *   DBG #2  go on counting
 *   DBG #3  the same after a reset, which may have cut off the reading of an answer: send one zero
 *           more than an answer has bytes, and a byte that is none
 *
 * So reading the count, which takes the board as long as the host's scheduler likes, is not
 * counted, and a count is the same from run to run. Option: pipe=PATH.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qemu_plugin_api.h"
#include "thumb_cycles.h"

/* DBG #n (T1): 0xf3af 0x80fn. */
#define DBG_FIRST  0xf3afu
#define DBG_SECOND 0x80f0u

enum marker { MARKER_NONE = 0, MARKER_STOP = 1, MARKER_GO = 2, MARKER_BEGIN = 3 };

#define ANSWER_BYTES 16
#define MAX_OPCODE   4u
#define API_POINTERS 2 /* up to this version of the API instruction bytes come as a pointer */

/* A translated block of instructions, or one of a block with a marker in it. */
typedef struct stretch {
    uint64_t begin, end; /* addresses */
    uint32_t instructions;
    uint32_t cycles;
    enum marker marker;
} stretch;

static struct {
    uint64_t cycles;
    uint64_t instructions;
    uint64_t expected; /* address of the next instruction if no branch is taken */
    bool stopped;
    int pipe;
    int api_version;
} state = {.pipe = -1};

/* QEMU refuses a plug-in outside the versions it knows: 0 to 1, and from QEMU 9.0 on, 2 and more.
 */
PLUGIN_EXPORT int qemu_plugin_version = 1;

__attribute__((constructor)) static void choose_version(void) {
    if (dlsym(RTLD_DEFAULT, "qemu_plugin_scoreboard_new") != NULL) {
        qemu_plugin_version = 2;
    }
}

/* What the board left unread, before it was reset, goes first. */
static void drain(void) {
    uint8_t stale[256];
    while (read(state.pipe, stale, sizeof stale) > 0) {
    }
}

static void send_bytes(const void *data, size_t count) {
    if (write(state.pipe, data, count) != (ssize_t)count) {
        perror("counter plug-in: pipe");
        exit(EXIT_FAILURE);
    }
}

static void obey(enum marker marker) {
    if (marker == MARKER_STOP) {
        const uint64_t counts[ANSWER_BYTES / 8] = {state.cycles, state.instructions};
        state.stopped = true;
        drain();
        send_bytes(counts, sizeof counts);
    } else if (marker == MARKER_GO) {
        state.stopped = false;
    } else if (marker == MARKER_BEGIN) {
        uint8_t beginning[ANSWER_BYTES + 2] = {0};
        beginning[ANSWER_BYTES + 1] = 0xff;
        state.stopped = false;
        drain();
        send_bytes(beginning, sizeof beginning);
    }
}

static void execute(unsigned int vcpu_index, void *userdata) {
    const stretch *const done = userdata;
    (void)vcpu_index;
    if (done->marker == MARKER_NONE && !state.stopped) {
        state.cycles += done->cycles;
        state.instructions += done->instructions;
        if (done->begin != state.expected) {
            state.cycles += TAKEN_BRANCH_CYCLES;
        }
    }
    state.expected = done->end;
    if (done->marker != MARKER_NONE) {
        obey(done->marker);
    }
}

/*
 * Copies an instruction; returns its size. QEMU's own can be 2 too many: it looks at the beginning
 * of the next one to see whether that crosses a page.
 */
static size_t opcode(const struct qemu_plugin_insn *insn, uint8_t code[MAX_OPCODE]) {
    const size_t bytes = qemu_plugin_insn_size(insn);
    const uintptr_t result = qemu_plugin_insn_data(insn, code, MAX_OPCODE);
    if (state.api_version <= API_POINTERS) {
        memcpy(code, (const void *)result, bytes < MAX_OPCODE ? bytes : MAX_OPCODE);
    }
    return thumb_size(code);
}

static enum marker marker_of(const uint8_t *code, size_t size) {
    if (size == MAX_OPCODE && (code[0] | code[1] << 8) == DBG_FIRST &&
        ((code[2] | code[3] << 8) & ~0xf) == DBG_SECOND) {
        const int number = code[2] & 0xf;
        return number <= MARKER_BEGIN ? (enum marker)number : MARKER_NONE;
    }
    return MARKER_NONE;
}

static stretch single(const struct qemu_plugin_insn *insn) {
    uint8_t code[MAX_OPCODE];
    const size_t size = opcode(insn, code);
    stretch one;
    one.begin = qemu_plugin_insn_vaddr(insn);
    one.end = one.begin + size;
    one.instructions = 1;
    one.cycles = thumb_cycles(code, size);
    one.marker = marker_of(code, size);
    return one;
}

/* QEMU may keep the block for as long as it runs and does not say when it drops it: never freed. */
static stretch *kept(const stretch *value) {
    stretch *const copy = malloc(sizeof *copy);
    if (copy == NULL) {
        perror("counter plug-in");
        exit(EXIT_FAILURE);
    }
    *copy = *value;
    return copy;
}

/* A block is counted as a whole when it begins, one with a marker instruction by instruction. */
static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    const size_t count = qemu_plugin_tb_n_insns(tb);
    stretch whole;
    bool marked;
    (void)id;
    if (count == 0) { /* nothing but an exception */
        return;
    }
    whole = single(qemu_plugin_tb_get_insn(tb, 0));
    marked = whole.marker != MARKER_NONE;
    for (size_t i = 1; i < count; i++) {
        const stretch one = single(qemu_plugin_tb_get_insn(tb, i));
        whole.end = one.end;
        whole.instructions += one.instructions;
        whole.cycles += one.cycles;
        marked = marked || one.marker != MARKER_NONE;
    }
    if (!marked) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, execute, QEMU_PLUGIN_CB_NO_REGS, kept(&whole));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *const insn = qemu_plugin_tb_get_insn(tb, i);
        const stretch one = single(insn);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, execute, QEMU_PLUGIN_CB_NO_REGS, kept(&one));
    }
}

static bool read_option(const char *option) {
    static const char name[] = "pipe=";
    if (strncmp(option, name, sizeof name - 1) != 0) {
        return false;
    }
    state.pipe = open(option + sizeof name - 1, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return state.pipe >= 0;
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                      char **argv) {
    for (int i = 0; i < argc; i++) {
        if (!read_option(argv[i])) {
            fprintf(stderr, "counter plug-in: %s: cannot be used\n", argv[i]);
            return -1;
        }
    }
    if (state.pipe < 0 || info->system.max_vcpus != 1) {
        fprintf(stderr, "counter plug-in: needs pipe=PATH and a machine with one core\n");
        return -1;
    }
    state.api_version = info->version.cur;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
