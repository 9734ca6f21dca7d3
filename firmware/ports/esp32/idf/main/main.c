#include <driver/gpio.h>

#include "agent.h"

static jsa_agent agent;

/* ESP-IDF's main task. */
void app_main(void) {
    ESP_ERROR_CHECK(gpio_set_direction(TIMED_PIN, GPIO_MODE_OUTPUT));
    jsa_agent_main(&agent);
}
