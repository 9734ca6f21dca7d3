/*
 * The two places for a plan: the start of the pool, and a partition of the flash. Implements
 * port.h's functions for stores.
 */
#ifndef ESP32_PLAN_STORE_H
#define ESP32_PLAN_STORE_H

#include <stdint.h>

#include "port.h"

/* Fills in two stores; returns how many. */
uint8_t plan_store_describe(port_store stores[2]);

#endif
