/* Board "pico": what firmware/agent/port.h asks for, from the parts beside this file. */
#include "port.h"

#include "clocks.h"
#include "flash.h"
#include "links.h"
#include "memory.h"
#include "plan_store.h"
#include "restart.h"
#include "rp2040.h"
#include "timebase.h"

/* TIMED_PIN, which the Makefile sets, is high during the timed region, for a logic analyser or a
 * power meter. UART0 has GP0 and GP1; the Pico leads GP23 to GP25 and GP29 to parts of its own. */
#if TIMED_PIN < 2u || TIMED_PIN > 28u || (TIMED_PIN >= 23u && TIMED_PIN <= 25u)
#error "TIMED_PIN is no free pin of a Pico"
#endif

/*
 * The slowest kernel is under 60 cycles a MAC where all of its weights miss the XIP
 * cache: 450 ns at 133 MHz.
 */
#define MAX_NS_PER_MAC 500u

/* An emulator leaves what it is, and a unique id, where the part's boot ROM has code. */
#define EMULATOR_NAME       0x3f00u
#define EMULATOR_NAME_BYTES 64u
#define EMULATOR_UID        0x3f80u

typedef struct port_state {
    port_info info;
    port_store stores[2];
    restart_record restart;
    char emulator[EMULATOR_NAME_BYTES];
    bool has_talked; /* since the last timed region */
} port_state;

static port_state state;

/* Copies printable characters up to a NUL; what has none within `capacity` is no name. */
static void copy_name(char *name, const volatile char *source, uint32_t capacity) {
    for (uint32_t i = 0; i < capacity; i++) {
        const char c = source[i];
        if (c == '\0') {
            return;
        }
        if (c < ' ' || c > '~') {
            break;
        }
        name[i] = c;
    }
    name[0] = '\0';
}

static void identify(port_info *info) {
    clocks_release_from_reset(RP_RESETS_SYSINFO);
    info->uid_bytes = FLASH_UID_BYTES;
    info->emulator = state.emulator;
    if (RP_REG(RP_SYSINFO_PLATFORM) & RP_SYSINFO_PLATFORM_ASIC) {
        flash_read_uid(info->uid);
        return;
    }
    copy_name(state.emulator, (const volatile char *)EMULATOR_NAME, EMULATOR_NAME_BYTES - 1u);
    for (uint32_t i = 0; i < FLASH_UID_BYTES; i++) {
        info->uid[i] = ((const volatile uint8_t *)EMULATOR_UID)[i];
    }
}

static void describe(port_info *info) {
    info->board_id = "pico";
    info->domain = "mcu";
    info->core = "cortex-m0plus";
    info->clock_hz = CLK_SYS_HZ;
    info->tick_hz = CLK_SYS_HZ;
    info->features = JSP_FEATURE_CYCLE_COUNTER | JSP_FEATURE_STACK_HIGH_WATER | JSP_FEATURE_RESET |
                     JSP_FEATURE_WATCHDOG_HARDWARE;
    info->max_ns_per_mac = MAX_NS_PER_MAC;
    info->stack_bytes = memory_stack_bytes();
    info->static_bytes = memory_static_bytes();
    info->pool = memory_pool();
    info->pool_bytes = memory_pool_bytes();
    info->stores = state.stores;
    info->store_count = plan_store_describe(state.stores);
    identify(info);
}

void port_init(void) {
    state.restart = restart_read();
    clocks_init();
    restart_start_watchdog();
    timebase_init();
    clocks_release_from_reset(RP_RESETS_IO_BANK0 | RP_RESETS_PADS_BANK0);
    RP_REG(RP_SIO_GPIO_OE_SET) = 1u << TIMED_PIN;
    RP_REG(RP_GPIO_CTRL(TIMED_PIN)) = RP_GPIO_FUNCSEL_SIO;
    describe(&state.info);
    links_init(state.info.uid);
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
    state.has_talked = true;
    return links_read(buffer, capacity);
}

void port_write(const uint8_t *data, uint32_t count) {
    state.has_talked = true;
    links_write(data, count);
}

void port_idle(void) {
    timebase_sleep_unless(links_have_work);
}

uint64_t port_ticks(void) {
    return timebase_cycles();
}

uint32_t port_millis(void) {
    return timebase_millis();
}

/*
 * Talking with the host leaves in XIP's cache what depends on when bytes came. The run after it
 * begins with an empty one, which no other state is worse than; those after that one find what
 * the run before them left.
 */
static void forget_the_link(void) {
    if (state.has_talked) {
        state.has_talked = false;
        RP_REG(RP_XIP_CTRL_FLUSH) = 1;
        (void)RP_REG(RP_XIP_CTRL_FLUSH);
    }
}

/*
 * Interrupts stay on. SysTick's must, or 64-bit time stops: some 40 cycles in 16.8
 * million, always in the same places, because each run begins where SysTick does. The
 * UART's comes only if the host sends during a run, which it does to repeat a request or
 * to give up; off, the FIFO would lose those bytes after 0.35 ms, on, an idle line costs
 * nothing. No other is enabled: the sleep's alarm is withdrawn before code goes on, and
 * USB, which is polled, answers NAK by itself.
 */
void port_timed_begin(void) {
    forget_the_link();
    timebase_restart();
    RP_REG(RP_SIO_GPIO_OUT_SET) = 1u << TIMED_PIN;
}

void port_timed_end(void) {
    RP_REG(RP_SIO_GPIO_OUT_CLR) = 1u << TIMED_PIN;
}

void port_feed_watchdog(void) {
    restart_feed_watchdog();
}

void port_reset(void) {
    links_drain();
    restart_on_request();
}
