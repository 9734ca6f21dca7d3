/* The part itself, under ESP-IDF. */
#ifndef ESP32_IDF_MACHINE_H
#define ESP32_IDF_MACHINE_H

#include <driver/gpio.h>

#include "jsp_protocol.h"
#include "sdkconfig.h"

#define MACHINE_BOARD_ID CONFIG_IDF_TARGET

#if CONFIG_IDF_TARGET_ARCH_RISCV
#define MACHINE_CORE "rv32imc"
#else
#define MACHINE_CORE "xtensa-lx6"
#endif

/* The task watchdog is a timer of the chip, whose second stage resets it by itself. */
#define MACHINE_WATCHDOG JSP_FEATURE_WATCHDOG_HARDWARE

/* TIMED_PIN, which idf.mk sets, is high during the timed region, for a logic analyser or a meter.
 */
#define MACHINE_SET_TIMED_PIN(level) ((void)gpio_set_level(TIMED_PIN, (level)))

#define MACHINE_CLOCK_HZ (CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ * UINT32_C(1000000))

/* Types and subtypes in partitions.csv: from 0x40 on they are an application's own. */
#define MACHINE_PARTITION_TYPE     0x40
#define MACHINE_PARTITION_PLAN     0x00
#define MACHINE_PARTITION_EMULATOR 0x01

#endif
