#include "plan_store.h"

#include <string.h>

#include "flash.h"
#include "memory.h"
#include "restart.h"
#include "rp2040.h"

/* From pico.ld; of the size, the address is the value. */
extern const uint8_t __plan_store_start[];
extern const uint8_t __plan_store_bytes[];

/* A plan in RAM leaves room for the two guards and the smallest arena. */
#define LEAST_ARENA_BYTES 64u

/*
 * RAM: the line is never idle while four chunks are in flight. Flash: none may be
 * in flight while a page is programmed, for the host learns of a lost byte only late.
 */
#define RAM_WINDOW   4u
#define FLASH_WINDOW 1u

/* The page that is being filled. */
static uint8_t page[FLASH_PAGE_BYTES] __attribute__((aligned(4)));

static uint32_t flash_offset(void) {
    return (uint32_t)(uintptr_t)__plan_store_start - RP_XIP_BASE;
}

static uint32_t flash_capacity(void) {
    return (uint32_t)(uintptr_t)__plan_store_bytes;
}

static uint32_t ram_capacity(void) {
    return memory_pool_bytes() - LEAST_ARENA_BYTES;
}

uint8_t plan_store_describe(port_store stores[2]) {
    stores[0].id = JSP_STORE_RAM;
    stores[0].window = RAM_WINDOW;
    stores[0].written_by = JSP_WRITTEN_BY_SESSION;
    stores[0].capacity_bytes = ram_capacity();
    stores[1].id = JSP_STORE_FLASH;
    stores[1].window = FLASH_WINDOW;
    stores[1].written_by = JSP_WRITTEN_BY_SESSION;
    stores[1].capacity_bytes = flash_capacity();
    return 2;
}

/* Error code where the store is not there or `end` lies outside it. */
static int check(uint8_t store, uint32_t end) {
    if (store != JSP_STORE_RAM && store != JSP_STORE_FLASH) {
        return JSP_E_BAD_STORE;
    }
    const uint32_t capacity = store == JSP_STORE_RAM ? ram_capacity() : flash_capacity();
    return end <= capacity ? JSP_E_OK : JSP_E_STORE_TOO_SMALL;
}

/* Whole blocks: 64 KB take 150 ms, as much as four sectors of 4 KB would. */
int port_store_begin(uint8_t store, uint32_t size_bytes) {
    const int code = check(store, size_bytes);
    if (code != JSP_E_OK || store == JSP_STORE_RAM) {
        return code;
    }
    for (uint32_t erased = 0; erased < size_bytes; erased += FLASH_BLOCK_BYTES) {
        restart_feed_watchdog();
        flash_erase_block(flash_offset() + erased);
    }
    return JSP_E_OK;
}

/* A page is programmed when its last byte has come. */
static void write_flash(uint32_t offset, const uint8_t *data, uint32_t count) {
    while (count > 0) {
        const uint32_t used = offset % FLASH_PAGE_BYTES;
        const uint32_t room = FLASH_PAGE_BYTES - used;
        const uint32_t taken = count < room ? count : room;
        memcpy(page + used, data, taken);
        if (taken == room) {
            flash_program_page(flash_offset() + offset - used, page);
        }
        offset += taken;
        data += taken;
        count -= taken;
    }
}

int port_store_write(uint8_t store, uint32_t offset, const uint8_t *data, uint32_t count) {
    const int code = offset + count < offset ? JSP_E_BAD_RANGE : check(store, offset + count);
    if (code != JSP_E_OK) {
        return code;
    }
    if (store == JSP_STORE_RAM) {
        memcpy(memory_pool() + offset, data, count);
    } else {
        write_flash(offset, data, count);
    }
    return JSP_E_OK;
}

int port_store_finish(uint8_t store, uint32_t size_bytes) {
    const int code = check(store, size_bytes);
    const uint32_t used = size_bytes % FLASH_PAGE_BYTES;
    if (code == JSP_E_OK && store == JSP_STORE_FLASH && used > 0) {
        memset(page + used, 0xff, FLASH_PAGE_BYTES - used);
        flash_program_page(flash_offset() + size_bytes - used, page);
    }
    return code;
}

const uint8_t *port_store_address(uint8_t store) {
    return store == JSP_STORE_RAM ? memory_pool() : __plan_store_start;
}
