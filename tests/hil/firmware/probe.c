/* Answers one-letter commands with what it observed, as lines of eight hex digits. */
#include "pico.h"

#define XIP_FLUSH         REG(0x14000004)
#define UART_OVERRUN      (1u << 11)
#define FLASH_TEST_OFFSET 0x100000u
#define SECTOR_BYTES      4096u
#define BLOCK_BYTES       65536u

typedef uint32_t sequence(volatile uint32_t *systick_cvr, uint32_t *memory);
sequence seq_empty, seq_nop, seq_muls, seq_ldr, seq_ldrsb, seq_str, seq_ldm4, seq_branch_taken,
    seq_branch_not_taken, seq_push1, seq_push_lr, seq_push8, seq_call, seq_call_push_pop,
    seq_barrier;
uint32_t read_words(volatile uint32_t *systick_cvr, const volatile uint32_t *first, uint32_t count,
                    uint32_t step_bytes);

static uint32_t boot_count NOINIT;
static uint32_t boot_mark NOINIT;
static volatile uint32_t events[64];
static volatile uint32_t event_count;
static uint32_t scratch[64];

static void wait_us(uint32_t us) {
    uint32_t start = TIMERAWL;
    while (TIMERAWL - start < us) {
    }
}

static void say_boot(void) {
    if (boot_mark != 0x600df00du) {
        boot_mark = 0x600df00du;
        boot_count = 0;
    }
    boot_count++;
    put_hex(boot_count);
    put_hex(CHIP_RESET);
    put_hex(WATCHDOG_REASON);
    put_hex(WATCHDOG_SCRATCH0);
}

/* Microseconds from the first to the last of `count` received bytes. */
static void receive_timed(uint32_t count) {
    get();
    uint32_t start = TIMERAWL;
    for (uint32_t i = 1; i < count; i++) {
        get();
    }
    put_hex(TIMERAWL - start);
}

static void receive_late(void) {
    wait_us(2000);
    uint32_t received = 0;
    uint32_t overrun_flags = 0;
    put_hex(UART_RIS);
    while (!(UART_FR & UART_RXFE)) {
        overrun_flags |= UART_DR & UART_OVERRUN;
        received++;
    }
    put_hex(received);
    UART_DR = 0x21; /* tells the host to send one more byte, which carries the flag */
    while (UART_FR & UART_RXFE) {
    }
    overrun_flags |= UART_DR & UART_OVERRUN;
    put_hex(overrun_flags);
}

static void send_without_looking(void) {
    for (uint32_t i = 0; i < 100; i++) {
        UART_DR = i;
    }
    drain();
}

static void send_timed(void) {
    uint32_t start = TIMERAWL;
    for (uint32_t i = 0; i < 200; i++) {
        put('x');
    }
    drain();
    put_hex(TIMERAWL - start);
}

void uart0_handler(void);
void uart0_handler(void) {
    uint32_t received = 0;
    events[event_count++] = UART_MIS;
    events[event_count++] = SYSTICK_CVR;
    while (!(UART_FR & UART_RXFE) && received < 16) {
        (void)UART_DR;
        received++;
    }
    events[event_count++] = received;
}

/* Twenty bytes by interrupt: half a FIFO, then the rest after the receive timeout. */
static void receive_by_interrupt(void) {
    event_count = 0;
    UART_IFLS = 2 << 3;
    UART_ICR = 0x7ff;
    UART_IMSC = (1u << 4) | (1u << 6);
    NVIC_ISER = 1u << 20;
    while (event_count < 6) {
        __asm volatile("wfi");
    }
    UART_IMSC = 0;
    for (uint32_t i = 0; i < 6; i++) {
        put_hex(events[i]);
    }
}

void timer0_handler(void);
void timer0_handler(void) {
    TIMER_INTR = 1;
    events[event_count++] = TIMERAWL;
}

/* A masked interrupt ends WFI without being taken; it is taken when PRIMASK is cleared. */
static void wait_masked(void) {
    event_count = 0;
    TIMER_INTE = 1;
    NVIC_ISER = 1;
    __asm volatile("cpsid i");
    uint32_t target = TIMERAWL + 50;
    TIMER_ALARM0 = target;
    __asm volatile("wfi");
    put_hex(event_count);
    put_hex(TIMERAWL - target < 5);
    __asm volatile("wfi"); /* still pending: does not wait */
    put_hex(event_count);
    __asm volatile("cpsie i\n isb");
    put_hex(event_count);
}

static void time_sequences(void) {
    static sequence *const all[] = {
        seq_empty, seq_nop,           seq_muls,
        seq_ldr,   seq_ldrsb,         seq_str,
        seq_ldm4,  seq_branch_taken,  seq_branch_not_taken,
        seq_push1, seq_push_lr,       seq_push8,
        seq_call,  seq_call_push_pop, seq_barrier,
    };
    for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        put_hex(all[i](&SYSTICK_CVR, scratch));
    }
}

/* Reads through the flash window; the code is in RAM, so the cache sees these reads alone. */
static IN_RAM void time_flash_reads(uint32_t *result) {
    const volatile uint32_t *cached = (const volatile uint32_t *)0x10010000u;
    const volatile uint32_t *uncached = (const volatile uint32_t *)0x13010000u;
    XIP_FLUSH = 1;
    *result++ = read_words(&SYSTICK_CVR, scratch, 64, 4);  /* RAM: the loop alone */
    *result++ = read_words(&SYSTICK_CVR, cached, 64, 4);   /* cold: 32 lines */
    *result++ = read_words(&SYSTICK_CVR, cached, 64, 4);   /* warm */
    *result++ = read_words(&SYSTICK_CVR, cached, 64, 8);   /* 32 lines warm, 32 cold */
    *result++ = read_words(&SYSTICK_CVR, cached, 2, 8192); /* one set: one warm, one cold */
    *result++ = read_words(&SYSTICK_CVR, cached, 2, 8192); /* both ways warm */
    *result++ = read_words(&SYSTICK_CVR, cached, 3, 8192); /* a third evicts the oldest */
    *result++ = read_words(&SYSTICK_CVR, cached, 3, 8192); /* LRU: all three miss */
    *result++ = read_words(&SYSTICK_CVR, uncached, 64, 4); /* a word each, never kept */
}

typedef void (*rom_void)(void);
typedef void (*rom_erase)(uint32_t offset, uint32_t count, uint32_t block, uint8_t command);
typedef void (*rom_program)(uint32_t offset, const uint8_t *data, uint32_t count);
typedef void *(*rom_lookup)(const uint16_t *table, uint32_t code);

static struct {
    rom_void connect, exit_xip, flush, enter_xip;
    rom_erase erase;
    rom_program program;
} rom;

static void *rom_function(char a, char b) {
    const uint16_t *volatile pointers = (const uint16_t *)0x14;
    rom_lookup lookup = (rom_lookup)(uintptr_t)pointers[2];
    const uint16_t *table = (const uint16_t *)(uintptr_t)pointers[0];
    return lookup(table, (uint32_t)a | (uint32_t)b << 8);
}

static void find_rom(void) {
    rom.connect = (rom_void)rom_function('I', 'F');
    rom.exit_xip = (rom_void)rom_function('E', 'X');
    rom.erase = (rom_erase)rom_function('R', 'E');
    rom.program = (rom_program)rom_function('R', 'P');
    rom.flush = (rom_void)rom_function('F', 'C');
    rom.enter_xip = (rom_void)rom_function('C', 'X');
}

static uint8_t page[256];

/* Microseconds of: erase a sector, program a page, erase a block. */
static IN_RAM void flash_timed(uint32_t *result) {
    rom.connect();
    rom.exit_xip();
    uint32_t t0 = TIMERAWL;
    rom.erase(FLASH_TEST_OFFSET, SECTOR_BYTES, BLOCK_BYTES, 0xd8);
    uint32_t t1 = TIMERAWL;
    rom.program(FLASH_TEST_OFFSET, page, sizeof(page));
    uint32_t t2 = TIMERAWL;
    for (uint32_t i = 0; i < sizeof(page); i++) {
        page[i] = 0x3c;
    }
    rom.program(FLASH_TEST_OFFSET, page, sizeof(page));
    uint32_t t3 = TIMERAWL;
    rom.erase(FLASH_TEST_OFFSET + BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES, 0xd8);
    result[0] = t1 - t0;
    result[1] = t2 - t1;
    result[2] = TIMERAWL - t3;
    rom.flush();
    rom.enter_xip();
}

static IN_RAM uint32_t read_flash_while_off(int flush) {
    rom.connect();
    rom.exit_xip();
    if (flush) {
        rom.flush();
    } else {
        rom.enter_xip();
    }
    return REG(0x10000100);
}

static void flash_commands(char command) {
    find_rom();
    if (command == 'F') {
        for (uint32_t i = 0; i < sizeof(page); i++) {
            page[i] = 0xa5;
        }
        flash_timed(scratch);
        for (uint32_t i = 0; i < 3; i++) {
            put_hex(scratch[i]);
        }
        put_hex(REG(0x10000000u + FLASH_TEST_OFFSET));
        put_hex(REG(0x10000000u + FLASH_TEST_OFFSET + 256));
    } else {
        put_hex(read_flash_while_off(command == 'p'));
    }
}

static void load_word(uintptr_t address) {
    uint32_t value;
    __asm volatile("ldr %0, [%1]" : "=l"(value) : "l"(address));
}

static void offend(char command) {
    switch (command) {
    case 'm':
        load_word((uintptr_t)scratch + 2);
        break;
    case 'u':
        load_word(0x20050000);
        break;
    case 'x':
        REG(0x10010000) = 1;
        break;
    case 'k':
        __asm volatile("bkpt #7");
        break;
    case 'd':
        RESETS_RESET = 1u << 21;
        (void)TIMERAWL;
        break;
    case 'n':
        __asm volatile("udf #0");
        break;
    case 'a':
        __asm volatile("movs r0, #0\n bx r0" ::: "r0"); /* ARM state: no Thumb bit */
        break;
    default:
        break;
    }
}

static void reset_by(char command) {
    WATCHDOG_SCRATCH0 = 0xcafe0001u;
    drain();
    if (command == 's') {
        AIRCR = 0x05fa0004;
    } else {
        PSM_WDSEL = 0x0001fffcu;
        WATCHDOG_LOAD = command == 'g' ? 20000 : 0xffffff;
        WATCHDOG_CTRL = (1u << 30) | (command == 'G' ? 1u << 31 : 0);
    }
    for (;;) {
    }
}

void test_main(void) {
    say_boot();
    for (;;) {
        char command = get();
        switch (command) {
        case 'e':
            receive_timed(400);
            break;
        case 'o':
            receive_late();
            break;
        case 't':
            send_without_looking();
            break;
        case 'b':
            send_timed();
            break;
        case 'i':
            receive_by_interrupt();
            break;
        case 'w':
            wait_masked();
            break;
        case 'c':
            time_sequences();
            break;
        case 'h':
            time_flash_reads(scratch);
            for (uint32_t i = 0; i < 9; i++) {
                put_hex(scratch[i]);
            }
            break;
        case 'F':
        case 'f':
        case 'p':
            flash_commands(command);
            break;
        case 's':
        case 'g':
        case 'G':
            reset_by(command);
            break;
        case '?':
            say_boot();
            break;
        default:
            offend(command);
            put_text("survived\n");
            break;
        }
    }
}
