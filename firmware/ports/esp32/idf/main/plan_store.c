#include "plan_store.h"

#include <esp_partition.h>
#include <string.h>

#include "machine.h"
#include "memory.h"
#include "restart.h"

/* A plan in RAM leaves room for the two guards and the smallest arena. */
#define LEAST_ARENA_BYTES 64u

/*
 * RAM: what the line's buffer holds besides the chunk at hand. Flash: none may be in flight while
 * it is written, for code in flash waits meanwhile, and so does what would empty the UART's FIFO.
 */
#define RAM_WINDOW   2u
#define FLASH_WINDOW 1u

/* Of the chips' flash, the largest that is erased at once. */
#define BLOCK_BYTES 65536u

static struct {
    const esp_partition_t *partition;
    const uint8_t *mapped; /* the whole partition, in the processor's address space */
} plan_flash;

static uint32_t flash_capacity(void) {
    return plan_flash.mapped == NULL ? 0 : plan_flash.partition->size;
}

static uint32_t ram_capacity(void) {
    return memory_pool_bytes() - LEAST_ARENA_BYTES;
}

/* Without its partition the board has no store in flash. */
static void map_flash(void) {
    const void *mapped;
    esp_partition_mmap_handle_t handle;
    plan_flash.partition =
        esp_partition_find_first(MACHINE_PARTITION_TYPE, MACHINE_PARTITION_PLAN, NULL);
    if (plan_flash.partition != NULL &&
        esp_partition_mmap(plan_flash.partition, 0, plan_flash.partition->size,
                           ESP_PARTITION_MMAP_DATA, &mapped, &handle) == ESP_OK) {
        plan_flash.mapped = mapped;
    }
}

uint8_t plan_store_describe(port_store stores[2]) {
    map_flash();
    stores[0] = (port_store){JSP_STORE_RAM, RAM_WINDOW, JSP_WRITTEN_BY_SESSION, ram_capacity()};
    stores[1] =
        (port_store){JSP_STORE_FLASH, FLASH_WINDOW, JSP_WRITTEN_BY_SESSION, flash_capacity()};
    return plan_flash.mapped == NULL ? 1 : 2;
}

/* Error code where the store is not there or `end` lies outside it. */
static int check(uint8_t store, uint32_t end) {
    if (store == JSP_STORE_RAM) {
        return end <= ram_capacity() ? JSP_E_OK : JSP_E_STORE_TOO_SMALL;
    }
    if (store != JSP_STORE_FLASH || plan_flash.mapped == NULL) {
        return JSP_E_BAD_STORE;
    }
    return end <= flash_capacity() ? JSP_E_OK : JSP_E_STORE_TOO_SMALL;
}

/* Whole blocks: the partition is a multiple of them. */
int port_store_begin(uint8_t store, uint32_t size_bytes) {
    const int code = check(store, size_bytes);
    if (code != JSP_E_OK || store == JSP_STORE_RAM) {
        return code;
    }
    for (uint32_t erased = 0; erased < size_bytes; erased += BLOCK_BYTES) {
        restart_feed_watchdog();
        if (esp_partition_erase_range(plan_flash.partition, erased, BLOCK_BYTES) != ESP_OK) {
            return JSP_E_STORE_FAULT;
        }
    }
    return JSP_E_OK;
}

/* ESP-IDF takes bytes at any offset, and brings what is mapped up to date. */
int port_store_write(uint8_t store, uint32_t offset, const uint8_t *data, uint32_t count) {
    const int code = offset + count < offset ? JSP_E_BAD_RANGE : check(store, offset + count);
    if (code != JSP_E_OK) {
        return code;
    }
    if (store == JSP_STORE_RAM) {
        memcpy(memory_pool() + offset, data, count);
        return JSP_E_OK;
    }
    return esp_partition_write(plan_flash.partition, offset, data, count) == ESP_OK
               ? JSP_E_OK
               : JSP_E_STORE_FAULT;
}

int port_store_finish(uint8_t store, uint32_t size_bytes) {
    return check(store, size_bytes);
}

const uint8_t *port_store_address(uint8_t store) {
    return store == JSP_STORE_RAM ? memory_pool() : plan_flash.mapped;
}
