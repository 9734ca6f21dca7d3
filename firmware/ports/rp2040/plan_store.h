/*
 * The two places for a plan: the start of the pool, and the flash behind the firmware. Implements
 * port.h's functions for stores.
 */
#ifndef RP2040_PLAN_STORE_H
#define RP2040_PLAN_STORE_H

#include <stdint.h>

#include "port.h"

/* Fills in two stores; returns how many. */
uint8_t plan_store_describe(port_store stores[2]);

#endif
