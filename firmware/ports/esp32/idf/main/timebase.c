#include "timebase.h"

#include <esp_cpu.h>
#include <esp_timer.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>

/* The counter wraps every 18 s; the watchdog, 8 s, sees to it that it is read more often. */
static uint64_t cycles;

void timebase_init(void) {
    cycles = esp_cpu_get_cycle_count();
}

uint64_t timebase_ticks(void) {
    cycles += (uint32_t)(esp_cpu_get_cycle_count() - (uint32_t)cycles);
    return cycles;
}

uint32_t timebase_millis(void) {
    return (uint32_t)(esp_timer_get_time() / 1000);
}

/* A tick of 10 ms, in which the receive buffer takes a quarter of what it holds. */
void timebase_sleep_unless(bool (*has_work)(void)) {
    (void)timebase_ticks();
    if (!has_work()) {
        vTaskDelay(1);
    }
}
