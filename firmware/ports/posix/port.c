#include "port.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "jump_rt.h"
#include "posix_port.h"

#define NS_PER_S            1000000000ull
#define RAM_WINDOW_CHUNKS   8
#define FLASH_WINDOW_CHUNKS 4
/* What a plan in RAM must leave of the pool: guards and a small arena. */
#define LEAST_ARENA_BYTES 1024u
#define IDLE_WAIT_MS      20
#define STACK_PATTERN     0xB7
/* A reference kernel under sanitizers on a busy machine. */
#define MAX_NS_PER_MAC 200u

#define BOOT_COUNT_VARIABLE "PC_AGENT_BOOT_COUNT"

#if defined(__x86_64__)
#define CORE "x86_64"
#elif defined(__aarch64__)
#define CORE "aarch64"
#elif defined(__arm__)
#define CORE "arm"
#elif defined(__riscv)
#define CORE "riscv"
#else
#define CORE "unknown"
#endif

/* The linker's names for the ends of .data and .bss. */
extern char __data_start[];
extern char _end[];

/* What the board's registers and memory are elsewhere. */
static struct {
    posix_options options;
    transport link;
    port_info info;
    port_store stores[2];
    uint8_t *flash;
    uint32_t boot_count;
    struct timespec started;
    uint8_t *stack;
    uint32_t stack_bytes;
    uint8_t received[65536];
    uint32_t received_count;
    uint32_t received_taken;
} board;

void posix_port_set_stack(uint8_t *stack, uint32_t stack_bytes) {
    memset(stack, STACK_PATTERN, stack_bytes);
    board.stack = stack;
    board.stack_bytes = stack_bytes;
}

void posix_port_set_options(const posix_options *options) {
    board.options = *options;
}

static void fail(const char *what) {
    perror(what);
    exit(2);
}

static void open_pool(void) {
    void *pool;
    if (posix_memalign(&pool, JSP_PLAN_ALIGNMENT, board.options.pool_bytes) != 0) {
        fail("pc-agent: no memory for the pool");
    }
    board.info.pool = pool;
    board.info.pool_bytes = board.options.pool_bytes;
    board.stores[0].id = JSP_STORE_RAM;
    board.stores[0].window = RAM_WINDOW_CHUNKS;
    board.stores[0].capacity_bytes = board.options.pool_bytes - LEAST_ARENA_BYTES;
    board.info.stores = board.stores;
    board.info.store_count = 1;
}

static void open_flash(void) {
    int file = open(board.options.flash_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0 || ftruncate(file, board.options.flash_bytes) != 0) {
        fail("pc-agent: cannot open the flash file");
    }
    board.flash =
        mmap(NULL, board.options.flash_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (board.flash == MAP_FAILED) {
        fail("pc-agent: cannot map the flash file");
    }
    close(file);
    board.stores[1].id = JSP_STORE_FLASH;
    board.stores[1].window = FLASH_WINDOW_CHUNKS;
    board.stores[1].written_by =
        board.options.flash_programmed ? JSP_WRITTEN_BY_PROGRAMMER : JSP_WRITTEN_BY_SESSION;
    board.stores[1].capacity_bytes = board.options.flash_bytes;
    board.info.store_count = 2;
}

/* The machine's id is not to leave it: what is sent is a checksum of it, twice salted. */
static void find_uid(void) {
    char id[64];
    size_t count;
    FILE *file = fopen("/etc/machine-id", "r");
    if (file == NULL) {
        return;
    }
    count = fread(id, 1, sizeof id, file);
    fclose(file);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t crc = jr_crc32(jr_crc32(i, "pc-agent", 8), id, (uint32_t)count);
        memcpy(board.info.uid + sizeof crc * i, &crc, sizeof crc);
    }
    board.info.uid_bytes = 8;
}

void port_init(void) {
    const char *boot_count = getenv(BOOT_COUNT_VARIABLE);
    clock_gettime(CLOCK_MONOTONIC, &board.started);
    board.boot_count = boot_count == NULL ? 1 : (uint32_t)strtoul(boot_count, NULL, 10);
    board.info.board_id = "pc";
    board.info.domain = "mpu";
    board.info.core = CORE;
    board.info.emulator = "";
    board.info.tick_hz = NS_PER_S;
    board.info.features = JSP_FEATURE_RESET | JSP_FEATURE_STACK_HIGH_WATER;
    board.info.max_ns_per_mac = MAX_NS_PER_MAC;
    board.info.stack_bytes = board.stack_bytes;
    board.info.static_bytes = (uint32_t)(_end - __data_start);
    open_pool();
    if (board.options.flash_path != NULL) {
        open_flash();
    }
    find_uid();
    if (board.boot_count == 1 || !transport_restore(&board.link, board.options.kind)) {
        transport_open(&board.link, board.options.kind, board.options.tcp_port);
    }
}

const port_info *port_get_info(void) {
    return &board.info;
}

uint8_t port_reset_cause(void) {
    return board.boot_count == 1 ? JSP_RESET_POWER_ON : JSP_RESET_SOFTWARE;
}

uint32_t port_boot_count(void) {
    return board.boot_count;
}

uint32_t port_read(uint8_t *buffer, uint32_t capacity) {
    uint32_t count;
    if (board.received_taken == board.received_count) {
        board.received_taken = 0;
        board.received_count = transport_read(&board.link, board.received, sizeof board.received);
    }
    count = board.received_count - board.received_taken;
    count = count < capacity ? count : capacity;
    memcpy(buffer, board.received + board.received_taken, count);
    board.received_taken += count;
    return count;
}

void port_write(const uint8_t *data, uint32_t count) {
    transport_write(&board.link, data, count);
}

void port_idle(void) {
    transport_wait(&board.link, IDLE_WAIT_MS);
}

uint64_t port_ticks(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint32_t port_millis(void) {
    uint64_t started = (uint64_t)board.started.tv_sec * NS_PER_S + (uint64_t)board.started.tv_nsec;
    return (uint32_t)((port_ticks() - started) / 1000000u);
}

void port_timed_begin(void) {
}

void port_timed_end(void) {
}

void port_feed_watchdog(void) {
}

void port_reset(void) {
    char text[16];
    snprintf(text, sizeof text, "%u", board.boot_count + 1);
    setenv(BOOT_COUNT_VARIABLE, text, 1);
    transport_save(&board.link);
    execv("/proc/self/exe", board.options.arguments);
    execvp(board.options.arguments[0], board.options.arguments);
    fail("pc-agent: cannot restart");
}

uint32_t port_stack_high_water_bytes(void) {
    uint32_t untouched = 0;
    while (untouched < board.stack_bytes && board.stack[untouched] == STACK_PATTERN) {
        untouched++;
    }
    return board.stack_bytes - untouched;
}

int port_store_begin(uint8_t store, uint32_t size_bytes) {
    if (store == JSP_STORE_FLASH) {
        memset(board.flash, 0xFF, size_bytes);
    }
    return JSP_E_OK;
}

int port_store_write(uint8_t store, uint32_t offset, const uint8_t *data, uint32_t count) {
    memcpy((store == JSP_STORE_FLASH ? board.flash : board.info.pool) + offset, data, count);
    return JSP_E_OK;
}

int port_store_finish(uint8_t store, uint32_t size_bytes) {
    if (store == JSP_STORE_FLASH) {
        return msync(board.flash, size_bytes, MS_SYNC) == 0 ? JSP_E_OK : JSP_E_STORE_FAULT;
    }
    return JSP_E_OK;
}

const uint8_t *port_store_address(uint8_t store) {
    return store == JSP_STORE_FLASH ? board.flash : board.info.pool;
}
