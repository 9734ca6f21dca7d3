/* What the board is, besides what its machine.h says. */
#ifndef ESP32_IDENTITY_H
#define ESP32_IDENTITY_H

#include <stdint.h>

/* Room for the emulator's name and a NUL. */
#define IDENTITY_NAME_BYTES 48u

/* What emulates the board; empty on the part. */
void identity_read_emulator(char name[IDENTITY_NAME_BYTES]);

/* The unique id, of at most 16 bytes; returns how many. */
uint8_t identity_read_uid(uint8_t uid[16]);

#endif
