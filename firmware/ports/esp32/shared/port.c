/*
 * Boards "esp32" and "esp32c3": what firmware/agent/port.h asks for. The parts behind the headers
 * beside this file are ESP-IDF's (../idf) or those of QEMU's machines (../qemu and the board's
 * folder).
 */
#include "port.h"

#include "agent_config.h"
#include "identity.h"
#include "machine.h"
#include "memory.h"
#include "plan_store.h"
#include "restart.h"
#include "timebase.h"
#include "uart.h"

/* The slowest kernel is under 60 cycles a MAC: 375 ns at 160 MHz. */
#define MAX_NS_PER_MAC 500u

typedef struct port_state {
    port_info info;
    port_store stores[2];
    restart_record restart;
    uint64_t ticks; /* at the last reading */
    char emulator[IDENTITY_NAME_BYTES];
} port_state;

static port_state state;

static void describe(port_info *info) {
    info->board_id = MACHINE_BOARD_ID;
    info->domain = "mcu";
    info->core = MACHINE_CORE;
    info->emulator = state.emulator;
    info->clock_hz = MACHINE_CLOCK_HZ;
    info->tick_hz = MACHINE_CLOCK_HZ;
    info->features = JSP_FEATURE_CYCLE_COUNTER | JSP_FEATURE_STACK_HIGH_WATER | JSP_FEATURE_RESET |
                     MACHINE_WATCHDOG;
    info->max_ns_per_mac = MAX_NS_PER_MAC;
    info->stack_bytes = memory_stack_bytes();
    info->static_bytes = memory_static_bytes();
    info->pool = memory_pool();
    info->pool_bytes = memory_pool_bytes();
    info->stores = state.stores;
    info->store_count = plan_store_describe(state.stores);
    info->uid_bytes = identity_read_uid(info->uid);
    identity_read_emulator(state.emulator);
}

void port_init(void) {
    state.restart = restart_read();
    restart_start_watchdog();
    timebase_init();
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

jr_size port_read(uint8_t *buffer, jr_size capacity) {
    return uart_read(buffer, capacity);
}

void port_write(const uint8_t *data, jr_size count) {
    restart_feed_watchdog();
    uart_write(data, count);
}

void port_idle(void) {
    timebase_sleep_unless(uart_has_bytes);
}

port_tick port_ticks(void) {
    state.ticks = timebase_ticks();
    return state.ticks;
}

#if JSA_COUNTS_INSTRUCTIONS
uint64_t port_instructions(void) {
    return state.ticks; /* which are instructions there */
}
#endif

uint32_t port_millis(void) {
    return timebase_millis();
}

/*
 * Interrupts stay on. ESP-IDF's come with its tick, 100 times a second, and with what the host
 * sends during a run; on the machines none is taken.
 */
void port_timed_begin(void) {
    MACHINE_SET_TIMED_PIN(1);
}

void port_timed_end(void) {
    MACHINE_SET_TIMED_PIN(0);
}

void port_feed_watchdog(void) {
    restart_feed_watchdog();
}

void port_reset(void) {
    restart_on_request();
}
