#include "agent.h"

static jsa_agent agent;

int main(void) {
    jsa_agent_main(&agent);
    return 0;
}
