#include "restart.h"

#include <esp_attr.h>
#include <esp_system.h>
#include <esp_task_wdt.h>

#include "jsp_protocol.h"

#define RECORD_KEY 0x6a73706bu

/* In RAM of the RTC, which start-up leaves as it is; after power-on it holds noise. */
static RTC_NOINIT_ATTR struct {
    uint32_t boot_count;
    uint32_t check;
} kept;

/*
 * A reset over the pin EN looks like power-on to the ESP32 (Programming Guide, Miscellaneous System
 * APIs: ESP_RST_EXT is not applicable). Where the record has survived it, it was not that.
 */
static uint8_t reset_cause(bool kept_over) {
    switch (esp_reset_reason()) {
    case ESP_RST_POWERON:
        return kept_over ? JSP_RESET_PIN : JSP_RESET_POWER_ON;
    case ESP_RST_BROWNOUT:
        return JSP_RESET_POWER_ON;
    case ESP_RST_EXT:
        return JSP_RESET_PIN;
    case ESP_RST_SW:
        return JSP_RESET_SOFTWARE;
    case ESP_RST_PANIC:
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT:
        return JSP_RESET_WATCHDOG;
    default:
        return JSP_RESET_UNKNOWN;
    }
}

restart_record restart_read(void) {
    const bool kept_over = kept.check == (kept.boot_count ^ RECORD_KEY);
    restart_record record = {reset_cause(kept_over), 1};
    if (kept_over && record.cause != JSP_RESET_POWER_ON) {
        record.boot_count = kept.boot_count + 1u;
    }
    kept.boot_count = record.boot_count;
    kept.check = record.boot_count ^ RECORD_KEY;
    return record;
}

/* Its period and what it does are in sdkconfig.defaults. */
void restart_start_watchdog(void) {
    ESP_ERROR_CHECK(esp_task_wdt_add(NULL));
}

void restart_feed_watchdog(void) {
    (void)esp_task_wdt_reset(); /* fails before the watchdog is started alone */
}

/* Sends first what is left in the UART. */
void restart_on_request(void) {
    esp_restart();
}
