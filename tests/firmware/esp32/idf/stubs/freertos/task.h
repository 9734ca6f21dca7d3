struct tskTaskControlBlock;
UBaseType_t uxTaskGetStackHighWaterMark(struct tskTaskControlBlock *task);
void vTaskDelay(TickType_t ticks);
