#include "plan_store.h"

#include <string.h>

#include "memory.h"

/* From the linker script; of the size, the address is the value. */
extern uint8_t __plan_store_start[];
extern const uint8_t __plan_store_bytes[];

/* A plan in RAM leaves room for the two guards and the smallest arena. */
#define LEAST_ARENA_BYTES 64u

/* The line is never idle while four chunks are in flight. */
#define WINDOW 4u

static port_store describe(uint8_t id) {
    port_store store;
    store.id = id;
    store.window = WINDOW;
    store.written_by = JSP_WRITTEN_BY_SESSION;
    store.capacity_bytes = id == JSP_STORE_RAM ? memory_pool_bytes() - LEAST_ARENA_BYTES
                                               : (uint32_t)(uintptr_t)__plan_store_bytes;
    return store;
}

uint8_t plan_store_describe(port_store stores[2]) {
    stores[0] = describe(JSP_STORE_RAM);
    stores[1] = describe(JSP_STORE_FLASH);
    return 2;
}

/* Error code where the store is not there or `end` lies outside it. */
static int check(uint8_t store, uint32_t end) {
    if (store != JSP_STORE_RAM && store != JSP_STORE_FLASH) {
        return JSP_E_BAD_STORE;
    }
    return end <= describe(store).capacity_bytes ? JSP_E_OK : JSP_E_STORE_TOO_SMALL;
}

/* The machine's flash is memory: nothing has to be erased. */
int port_store_begin(uint8_t store, uint32_t size_bytes) {
    return check(store, size_bytes);
}

int port_store_write(uint8_t store, uint32_t offset, const uint8_t *data, uint32_t count) {
    const int code = offset + count < offset ? JSP_E_BAD_RANGE : check(store, offset + count);
    if (code == JSP_E_OK) {
        uint8_t *const start = store == JSP_STORE_RAM ? memory_pool() : __plan_store_start;
        memcpy(start + offset, data, count);
    }
    return code;
}

int port_store_finish(uint8_t store, uint32_t size_bytes) {
    return check(store, size_bytes);
}

const uint8_t *port_store_address(uint8_t store) {
    return store == JSP_STORE_RAM ? memory_pool() : __plan_store_start;
}
