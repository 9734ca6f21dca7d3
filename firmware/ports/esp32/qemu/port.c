/*
 * Boards "esp32" and "esp32c3" as QEMU's machines stand in for them: what firmware/agent/port.h
 * asks for, from the parts beside this file and those in the board's own folder.
 */
#include "port.h"

#include "machine.h"
#include "memory.h"
#include "plan_store.h"
#include "restart.h"
#include "timebase.h"
#include "uart.h"

/* The slowest kernel is under 60 instructions a MAC. */
#define MAX_NS_PER_MAC 500u

#define EMULATOR_NAME_BYTES 48u

typedef struct port_state {
    port_info info;
    port_store stores[2];
    restart_record restart;
    char emulator[EMULATOR_NAME_BYTES];
} port_state;

static port_state state;

/* What does not end within its room is no name. */
static void read_emulator_name(char *name) {
    const volatile char *const source = (const volatile char *)MACHINE_EMULATOR_NAME;
    for (uint32_t i = 0; i < EMULATOR_NAME_BYTES; i++) {
        name[i] = source[i];
        if (name[i] == '\0') {
            return;
        }
    }
    name[0] = '\0';
}

/* No uid: the parts have a MAC address in their fuses, the machines have none. */
static void describe(port_info *info) {
    info->board_id = MACHINE_BOARD_ID;
    info->domain = "mcu";
    info->core = MACHINE_CORE;
    info->emulator = state.emulator;
    info->clock_hz = MACHINE_CLOCK_HZ;
    info->tick_hz = MACHINE_CLOCK_HZ;
    info->features = JSP_FEATURE_CYCLE_COUNTER | JSP_FEATURE_STACK_HIGH_WATER | JSP_FEATURE_RESET |
                     JSP_FEATURE_WATCHDOG_SOFTWARE;
    info->max_ns_per_mac = MAX_NS_PER_MAC;
    info->stack_bytes = memory_stack_bytes();
    info->static_bytes = memory_static_bytes();
    info->pool = memory_pool();
    info->pool_bytes = memory_pool_bytes();
    info->stores = state.stores;
    info->store_count = plan_store_describe(state.stores);
}

void port_init(void) {
    state.restart = restart_read();
    restart_feed_watchdog();
    timebase_init();
    uart_init();
    read_emulator_name(state.emulator);
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
    restart_feed_watchdog();
    uart_write(data, count);
}

void port_idle(void) {
    timebase_sleep_unless(uart_has_bytes);
}

uint64_t port_ticks(void) {
    return timebase_ticks();
}

uint32_t port_millis(void) {
    return timebase_millis();
}

/* Nothing to do: no interrupt but the watchdog's is ever taken, and the machines have no pins. */
void port_timed_begin(void) {
}

void port_timed_end(void) {
}

void port_feed_watchdog(void) {
    restart_feed_watchdog();
}

void port_reset(void) {
    restart_on_request();
}

uint32_t port_stack_high_water_bytes(void) {
    return memory_stack_high_water_bytes();
}

int port_store_begin(uint8_t store, uint32_t size_bytes) {
    return plan_store_begin(store, size_bytes);
}

int port_store_write(uint8_t store, uint32_t offset, const uint8_t *data, uint32_t count) {
    return plan_store_write(store, offset, data, count);
}

int port_store_finish(uint8_t store, uint32_t size_bytes) {
    return plan_store_finish(store, size_bytes);
}

const uint8_t *port_store_address(uint8_t store) {
    return plan_store_address(store);
}
