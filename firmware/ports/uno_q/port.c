/* Board "uno_q", its microcontroller: what firmware/agent/port.h asks for. */
#include "port.h"

#include <string.h>

#include "chip.h"
#include "cycles.h"
#include "jsp_protocol.h"
#include "memory.h"
#include "restart.h"
#include "timebase.h"
#include "uart.h"

/* The slowest kernel is under 32 cycles a MAC: 200 ns at 160 MHz. */
#define MAX_NS_PER_MAC 200u

/* A plan leaves room for the two guards and the smallest arena. */
#define LEAST_ARENA_BYTES 64u

/* Chunks in flight; between them they fill less than the receiver's ring. */
#define RAM_WINDOW 4u

static struct {
    port_info info;
    port_store ram;
    restart_record restart;
} state;

static void describe(port_info *info) {
    info->board_id = "uno_q";
    info->domain = "mcu";
    info->core = "cortex-m33";
    info->clock_hz = CLOCK_HZ;
    info->tick_hz = CLOCK_HZ;
    info->features = JSP_FEATURE_CYCLE_COUNTER | JSP_FEATURE_STACK_HIGH_WATER | JSP_FEATURE_RESET |
                     JSP_FEATURE_WATCHDOG_HARDWARE;
    info->max_ns_per_mac = MAX_NS_PER_MAC;
    info->stack_bytes = memory_stack_bytes();
    info->static_bytes = memory_static_bytes();
    info->pool = memory_pool();
    info->pool_bytes = memory_pool_bytes();
    state.ram.id = JSP_STORE_RAM;
    state.ram.window = RAM_WINDOW;
    state.ram.written_by = JSP_WRITTEN_BY_SESSION;
    state.ram.capacity_bytes = memory_pool_bytes() - LEAST_ARENA_BYTES;
    info->stores = &state.ram;
    info->store_count = 1;
    chip_identify(info);
}

void port_init(void) {
    state.restart = restart_read();
    chip_init();
    chip_start_watchdog();
    timebase_init();
    cycles_init();
    uart_init();
    describe(&state.info);
}

const port_info *port_get_info(void) {
    return &state.info;
}

uint8_t port_reset_cause(void) {
    return state.restart.cause;
}

uint32_t port_boot_count(void) {
    return state.restart.boot_count;
}

uint32_t port_read(uint8_t *buffer, uint32_t capacity) {
    return uart_read(buffer, capacity);
}

void port_write(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        chip_feed_watchdog();
        uart_send(data[i]);
    }
}

void port_idle(void) {
    timebase_sleep_unless(uart_has_bytes);
}

uint64_t port_ticks(void) {
    return cycles_read();
}

uint32_t port_millis(void) {
    return timebase_millis();
}

/* Interrupts stay on: the receiver's comes only if the host sends during a run, to repeat a request
 * or to give up, and its bytes are not to be lost. */
void port_timed_begin(void) {
    chip_set_timed_pin(true);
}

void port_timed_end(void) {
    chip_set_timed_pin(false);
}

void port_feed_watchdog(void) {
    chip_feed_watchdog();
}

void port_reset(void) {
    uart_drain();
    restart_on_request();
}

/* The only store is RAM: the beginning of the pool. */
static int check_range(uint8_t store, uint32_t end) {
    if (store != JSP_STORE_RAM) {
        return JSP_E_BAD_STORE;
    }
    return end <= state.ram.capacity_bytes ? JSP_E_OK : JSP_E_STORE_TOO_SMALL;
}

int port_store_begin(uint8_t store, uint32_t size_bytes) {
    return check_range(store, size_bytes);
}

int port_store_write(uint8_t store, uint32_t offset, const uint8_t *data, uint32_t count) {
    const int code = offset + count < offset ? JSP_E_BAD_RANGE : check_range(store, offset + count);
    if (code == JSP_E_OK) {
        memcpy(memory_pool() + offset, data, count);
    }
    return code;
}

int port_store_finish(uint8_t store, uint32_t size_bytes) {
    return check_range(store, size_bytes);
}

const uint8_t *port_store_address(uint8_t store) {
    (void)store;
    return memory_pool();
}
