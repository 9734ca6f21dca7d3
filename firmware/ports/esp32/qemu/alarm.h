/* The machines' only timer, as an alarm. */
#ifndef ESP32_QEMU_ALARM_H
#define ESP32_QEMU_ALARM_H

#include <stdint.h>

/* Its interrupt ends in restart_after_hang(), unless it is set anew before. */
void alarm_set(uint32_t from_now_ms);

#endif
