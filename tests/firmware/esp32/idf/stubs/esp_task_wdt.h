#include "esp_err.h"

struct tskTaskControlBlock;
esp_err_t esp_task_wdt_add(struct tskTaskControlBlock *task);
esp_err_t esp_task_wdt_reset(void);
