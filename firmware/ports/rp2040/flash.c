#include "flash.h"

#include "rp2040.h"

/* Function codes of the boot ROM [2.8.3.1.3]. */
#define ROM_CODE(a, b)             ((uint32_t)(a) | ((uint32_t)(b) << 8))
#define ROM_CONNECT_INTERNAL_FLASH ROM_CODE('I', 'F')
#define ROM_FLASH_EXIT_XIP         ROM_CODE('E', 'X')
#define ROM_FLASH_RANGE_ERASE      ROM_CODE('R', 'E')
#define ROM_FLASH_RANGE_PROGRAM    ROM_CODE('R', 'P')
#define ROM_FLASH_FLUSH_CACHE      ROM_CODE('F', 'C')

/* W25Q16JV data sheet 8.1.2 */
#define COMMAND_ERASE_BLOCK 0xd8u
#define COMMAND_READ_UID    0x4bu
#define UID_DUMMY_BYTES     4u

#define WAIT_READS 1000000u

typedef void *(*rom_table_lookup)(const uint16_t *table, uint32_t code);

/* One piece of work with XIP off. In RAM, like all that it points to, but for the ROM's functions.
 */
typedef struct flash_work {
    void (*connect_internal_flash)(void);
    void (*flash_exit_xip)(void);
    void (*flash_range_erase)(uint32_t offset, uint32_t count, uint32_t block_bytes,
                              uint32_t command);
    void (*flash_range_program)(uint32_t offset, const uint8_t *data, uint32_t count);
    void (*flash_flush_cache)(void);
    enum { FLASH_ERASE, FLASH_PROGRAM, FLASH_READ_UID } kind;
    uint32_t offset;
    const uint8_t *page; /* FLASH_PROGRAM */
    uint8_t *uid;        /* FLASH_READ_UID */
} flash_work;

/* After flash_exit_xip the SSI is in serial mode with frames of a byte; its FIFO of 16 takes the
 * command whole. */
static RP_RAM_CODE("exchange_uid") void exchange_uid(uint8_t *uid) {
    const uint32_t skipped = 1u + UID_DUMMY_BYTES;
    RP_CLEAR(RP_QSPI_SS_CTRL) = RP_QSPI_SS_OUTOVER_BITS;
    RP_SET(RP_QSPI_SS_CTRL) = RP_QSPI_SS_OUTOVER_LOW;
    RP_REG(RP_SSI_DR0) = COMMAND_READ_UID;
    for (uint32_t i = 1; i < skipped + FLASH_UID_BYTES; i++) {
        RP_REG(RP_SSI_DR0) = 0;
    }
    for (uint32_t i = 0; i < skipped + FLASH_UID_BYTES; i++) {
        for (uint32_t reads = 0; reads < WAIT_READS; reads++) {
            if (RP_REG(RP_SSI_SR) & RP_SSI_SR_RFNE) {
                break;
            }
        }
        const uint8_t byte = (uint8_t)RP_REG(RP_SSI_DR0);
        if (i >= skipped) {
            uid[i - skipped] = byte;
        }
    }
    RP_SET(RP_QSPI_SS_CTRL) = RP_QSPI_SS_OUTOVER_HIGH;
}

/*
 * From flash_exit_xip to the end of boot2 a read of flash is wrong or stalls, so all
 * that runs then is here, in ROM, or in boot2's copy. Interrupts stay on: their
 * handlers are in RAM, and an erase would cost the link thousands of bytes.
 */
static RP_RAM_CODE("flash_do") void flash_do(const flash_work *work) {
    uint32_t boot2[RP_BOOT2_BYTES / sizeof(uint32_t)];
    volatile uint32_t *const copy = boot2;
    const volatile uint32_t *const source = (const volatile uint32_t *)RP_XIP_BASE;
    for (uint32_t i = 0; i < RP_BOOT2_BYTES / sizeof(uint32_t); i++) {
        copy[i] = source[i];
    }
    work->connect_internal_flash();
    work->flash_exit_xip();
    if (work->kind == FLASH_ERASE) {
        work->flash_range_erase(work->offset, FLASH_BLOCK_BYTES, FLASH_BLOCK_BYTES,
                                COMMAND_ERASE_BLOCK);
    } else if (work->kind == FLASH_PROGRAM) {
        work->flash_range_program(work->offset, work->page, FLASH_PAGE_BYTES);
    } else {
        exchange_uid(work->uid);
    }
    work->flash_flush_cache();
    void (*const restore_xip)(void) = (void (*)(void))((uintptr_t)boot2 | 1u);
    restore_xip();
    __asm volatile("" : : "r"(boot2) : "memory");
}

static void *rom_function(uint32_t code) {
    const uint16_t *const pointers = (const uint16_t *)RP_ROM_FUNCTION_TABLE;
    const rom_table_lookup lookup =
        (rom_table_lookup)(uintptr_t) * (const volatile uint16_t *)RP_ROM_TABLE_LOOKUP;
    const uint16_t *const table =
        (const uint16_t *)(uintptr_t) * (const volatile uint16_t *)pointers;
    return lookup(table, code);
}

static flash_work new_work(void) {
    flash_work work;
    work.connect_internal_flash = (void (*)(void))rom_function(ROM_CONNECT_INTERNAL_FLASH);
    work.flash_exit_xip = (void (*)(void))rom_function(ROM_FLASH_EXIT_XIP);
    work.flash_range_erase =
        (void (*)(uint32_t, uint32_t, uint32_t, uint32_t))rom_function(ROM_FLASH_RANGE_ERASE);
    work.flash_range_program =
        (void (*)(uint32_t, const uint8_t *, uint32_t))rom_function(ROM_FLASH_RANGE_PROGRAM);
    work.flash_flush_cache = (void (*)(void))rom_function(ROM_FLASH_FLUSH_CACHE);
    work.kind = FLASH_ERASE;
    work.offset = 0;
    work.page = 0;
    work.uid = 0;
    return work;
}

void flash_erase_block(uint32_t offset) {
    flash_work work = new_work();
    work.offset = offset;
    flash_do(&work);
}

void flash_program_page(uint32_t offset, const uint8_t *page) {
    flash_work work = new_work();
    work.kind = FLASH_PROGRAM;
    work.offset = offset;
    work.page = page;
    flash_do(&work);
}

void flash_read_uid(uint8_t uid[FLASH_UID_BYTES]) {
    flash_work work = new_work();
    work.kind = FLASH_READ_UID;
    work.uid = uid;
    flash_do(&work);
}
