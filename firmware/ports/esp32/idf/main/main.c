#include "agent.h"

static jsa_agent agent;

/* ESP-IDF's main task. */
void app_main(void) {
    jsa_agent_main(&agent);
}
