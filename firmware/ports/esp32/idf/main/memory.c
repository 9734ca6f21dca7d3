#include "memory.h"

#include "port.h"

#include <freertos/FreeRTOS.h>
#include <freertos/task.h>

#include "sdkconfig.h"

/* From ESP-IDF's linker scripts. */
extern const uint8_t _data_start[];
extern const uint8_t _data_end[];
extern const uint8_t _bss_start[];
extern const uint8_t _bss_end[];

static uint8_t pool[POOL_BYTES] __attribute__((aligned(16)));

uint8_t *memory_pool(void) {
    return pool;
}

uint32_t memory_pool_bytes(void) {
    return sizeof pool;
}

/* ESP-IDF's too; neither its heap nor its code in RAM. */
uint32_t memory_static_bytes(void) {
    return (uint32_t)((_data_end - _data_start) + (_bss_end - _bss_start)) - sizeof pool;
}

uint32_t memory_stack_bytes(void) {
    return CONFIG_ESP_MAIN_TASK_STACK_SIZE;
}

/* FreeRTOS fills stacks with a pattern; ESP-IDF counts what is left of it in bytes. */
jr_size port_stack_high_water_bytes(void) {
    return CONFIG_ESP_MAIN_TASK_STACK_SIZE - (uint32_t)uxTaskGetStackHighWaterMark(NULL);
}
