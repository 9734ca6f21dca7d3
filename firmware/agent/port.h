/*
 * What a board gives the agent. A port implements these functions and nothing
 * else; it moves bytes and knows no protocol. The agent calls them from one
 * thread of control (main); a port's interrupt handlers never call the agent.
 */
#ifndef JS_PORT_H
#define JS_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "jump_rt.h"

/* Ticks, wide enough not to wrap in a run; a port for which 32 bits are says so. */
#ifdef PORT_TICKS_OF_32_BITS
typedef uint32_t port_tick;
#define PORT_TICK_MAX UINT32_MAX
#else
typedef uint64_t port_tick;
#define PORT_TICK_MAX UINT64_MAX
#endif

/* A place for a plan: RAM (the start of the pool) or flash. */
typedef struct port_store {
    uint8_t id;              /* JSP_STORE_RAM | JSP_STORE_FLASH */
    uint8_t window;          /* chunks the host may have in flight */
    uint8_t written_by;      /* JSP_WRITTEN_BY_*: SESSION, or PROGRAMMER where the port cannot */
    uint32_t capacity_bytes; /* largest plan it takes */
} port_store;

/* Facts that do not change while the board is up. Strings are NUL-terminated and static. */
typedef struct port_info {
    const JR_PLAN char *board_id;
    const JR_PLAN char *domain; /* "mcu" | "mpu" */
    const JR_PLAN char *core;   /* e.g. "cortex-m0plus" */
    const char *emulator;       /* "" on silicon; else what emulates, e.g. "rp2040js 1.4.1 xip" */
    uint8_t uid[16];
    uint8_t uid_bytes;
    uint32_t clock_hz;
    uint32_t tick_hz;        /* rate of port_ticks() */
    uint32_t features;       /* JSP_FEATURE_* bits the port provides */
    uint32_t max_ns_per_mac; /* pessimistic: bounds the host's first deadline */
    uint32_t stack_bytes;
    uint32_t static_bytes; /* .data + .bss besides pool and stack */
    uint8_t *pool;         /* plan in RAM and arena share it; 16-byte aligned, owned by the port */
    uint32_t pool_bytes;
    const JR_PLAN port_store *stores;
    uint8_t store_count;
} port_info;

/* Brings the board up: clocks, link, counter, watchdog. Called once, first. */
void port_init(void);

const JR_PLAN port_info *port_get_info(void);

/* Why the board last started (JSP_RESET_*), and how often it has started since power-on (>= 1). */
uint8_t port_reset_cause(void);
uint32_t port_boot_count(void);

/* Copies up to `capacity` received bytes into `buffer` without waiting; returns how many. */
jr_size port_read(uint8_t *buffer, jr_size capacity);

/* Sends all `count` bytes; may wait for the line, feeds the watchdog meanwhile. */
void port_write(const uint8_t *data, jr_size count);

/* Sleeps until a byte may have arrived or about a millisecond has gone. Never blocks for good. */
void port_idle(void);

/* Free-running counter at tick_hz. */
port_tick port_ticks(void);

/* Instructions executed until the last port_ticks(). Only where JSA_COUNTS_INSTRUCTIONS is 1. */
uint64_t port_instructions(void);

/* Milliseconds since start, for leases; may wrap. */
uint32_t port_millis(void);

/* Brackets the timed region: interrupts off where that can lose nothing, a pin raised where wired.
 */
void port_timed_begin(void);
void port_timed_end(void);

void port_feed_watchdog(void);

/* Restarts the board; does not return (on posix: re-executes the process). */
void port_reset(void);

/* Deepest use of the stack since start, from its fill pattern; 0 where unknown. */
jr_size port_stack_high_water_bytes(void);

/*
 * Plan stores. Offsets come in ascending order without gaps. A store in flash
 * erases in begin and buffers page fragments itself; finish flushes the rest. All
 * return 0 or a negative JSP_E_* code.
 */
int port_store_begin(uint8_t store, uint32_t size_bytes);
int port_store_write(uint8_t store, uint32_t offset, const uint8_t *data, jr_size count);
int port_store_finish(uint8_t store, uint32_t size_bytes);

/* Where the store's bytes are read from. */
const JR_PLAN uint8_t *port_store_address(uint8_t store);

#endif
