/* The two places for a plan: the start of the pool, and a partition of the flash. */
#ifndef ESP32_PLAN_STORE_H
#define ESP32_PLAN_STORE_H

#include <stdint.h>

#include "port.h"

/* Fills in two stores; returns how many. */
uint8_t plan_store_describe(port_store stores[2]);

/* As in port.h. */
int plan_store_begin(uint8_t store, uint32_t size_bytes);
int plan_store_write(uint8_t store, uint32_t offset, const uint8_t *data, uint32_t count);
int plan_store_finish(uint8_t store, uint32_t size_bytes);
const uint8_t *plan_store_address(uint8_t store);

#endif
