/* The flash behind XIP: erase, program, unique id. Everything else may read it meanwhile only from
 * interrupts in RAM. */
#ifndef RP2040_FLASH_H
#define RP2040_FLASH_H

#include <stdint.h>

#define FLASH_BLOCK_BYTES 65536u
#define FLASH_PAGE_BYTES  256u
#define FLASH_UID_BYTES   8u

/* `offset` from the start of the flash, a multiple of FLASH_BLOCK_BYTES; 0.15 s, at most 2 s. */
void flash_erase_block(uint32_t offset);

/* `offset` a multiple of FLASH_PAGE_BYTES; `page` in RAM, FLASH_PAGE_BYTES long; 0.4 ms, at most 3
 * ms. */
void flash_program_page(uint32_t offset, const uint8_t *page);

/* Reads the flash's factory-set id. */
void flash_read_uid(uint8_t uid[FLASH_UID_BYTES]);

#endif
