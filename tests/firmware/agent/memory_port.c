#include "memory_port.h"

#include <stdlib.h>
#include <string.h>

#include "port.h"

/* So little that what overruns a tensor soon leaves the pool, where the sanitizer sees it. */
#define POOL_BYTES   4608u
#define FLASH_BYTES  4096u
#define OUTPUT_BYTES (8u * 1024u * 1024u)

static const port_store stores[] = {
    {JSP_STORE_RAM, 4, JSP_WRITTEN_BY_SESSION, POOL_BYTES - 256},
    {JSP_STORE_FLASH, 2, JSP_WRITTEN_BY_SESSION, FLASH_BYTES},
};

static struct {
    port_info info;
    uint8_t *flash;
    uint32_t announced_bytes; /* of the plan being stored */
    const uint8_t *input;
    uint32_t input_left;
    uint8_t *output;
    uint32_t output_count;
    uint64_t ticks;
    uint32_t boot_count;
} board;

void memory_port_set_input(const uint8_t *bytes, uint32_t count) {
    board.input = bytes;
    board.input_left = count;
}

uint32_t memory_port_input_left(void) {
    return board.input_left;
}

const uint8_t *memory_port_take_output(uint32_t *count) {
    *count = board.output_count;
    board.output_count = 0;
    return board.output;
}

void port_init(void) {
    /* Allocated, so that the sanitizer watches their ends. */
    board.info.pool = aligned_alloc(JSP_PLAN_ALIGNMENT, POOL_BYTES);
    board.flash = aligned_alloc(JSP_PLAN_ALIGNMENT, FLASH_BYTES);
    board.output = malloc(OUTPUT_BYTES);
    if (board.info.pool == NULL || board.flash == NULL || board.output == NULL) {
        abort();
    }
    memset(board.info.pool, 0xEE, POOL_BYTES);
    memset(board.flash, 0xFF, FLASH_BYTES);
    board.info.board_id = "memory";
    board.info.domain = "mcu";
    board.info.core = "none";
    board.info.emulator = "";
    board.info.tick_hz = 1000000;
    board.info.max_ns_per_mac = 1000;
    board.info.pool_bytes = POOL_BYTES;
    board.info.stores = stores;
    board.info.store_count = 2;
    board.boot_count = 1;
}

const port_info *port_get_info(void) {
    return &board.info;
}

uint8_t port_reset_cause(void) {
    return JSP_RESET_POWER_ON;
}

uint32_t port_boot_count(void) {
    return board.boot_count;
}

uint32_t port_read(uint8_t *buffer, uint32_t capacity) {
    uint32_t count = board.input_left < capacity ? board.input_left : capacity;
    memcpy(buffer, board.input, count);
    board.input += count;
    board.input_left -= count;
    return count;
}

void port_write(const uint8_t *data, uint32_t count) {
    if (count > OUTPUT_BYTES - board.output_count) {
        abort();
    }
    memcpy(board.output + board.output_count, data, count);
    board.output_count += count;
}

void port_idle(void) {
}

/* Time is a count of who asked: the same stream always gives the same answers. */
uint64_t port_ticks(void) {
    return board.ticks += 997;
}

uint32_t port_millis(void) {
    return (uint32_t)(port_ticks() / 1000);
}

void port_timed_begin(void) {
}

void port_timed_end(void) {
}

void port_feed_watchdog(void) {
}

/* Does return here: the agent must be as well off as after a restart with its state kept. */
void port_reset(void) {
    board.boot_count++;
}

uint32_t port_stack_high_water_bytes(void) {
    return 0;
}

static uint8_t *store_bytes(uint8_t store) {
    return store == JSP_STORE_RAM ? board.info.pool : board.flash;
}

static uint32_t store_capacity(uint8_t store) {
    return store == JSP_STORE_RAM ? stores[0].capacity_bytes : stores[1].capacity_bytes;
}

int port_store_begin(uint8_t store, uint32_t size_bytes) {
    board.announced_bytes = size_bytes;
    return size_bytes <= store_capacity(store) ? JSP_E_OK : JSP_E_STORE_FAULT;
}

int port_store_write(uint8_t store, uint32_t offset, const uint8_t *data, uint32_t count) {
    /* The agent promises to stay inside what it announced, which ends before the store does. */
    if (offset > board.announced_bytes || count > board.announced_bytes - offset) {
        abort();
    }
    memcpy(store_bytes(store) + offset, data, count);
    return JSP_E_OK;
}

int port_store_finish(uint8_t store, uint32_t size_bytes) {
    (void)store;
    (void)size_bytes;
    return JSP_E_OK;
}

const uint8_t *port_store_address(uint8_t store) {
    return store_bytes(store);
}
