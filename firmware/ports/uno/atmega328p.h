/*
 * What avr-libc's <avr/io.h> does not name. Section numbers: data sheet
 * ATmega48A/PA/88A/PA/168A/PA/328/P, DS40002061.
 */
#ifndef UNO_ATMEGA328P_H
#define UNO_ATMEGA328P_H

#include <avr/io.h>

/* The board's ceramic resonator. */
#define UNO_CLOCK_HZ UINT32_C(16000000)

/* Reserved in the extended I/O space: 0 on silicon, an emulator's name byte by byte on one. */
#define UNO_EMULATOR_NAME _SFR_MEM8(0xF0)

#endif
