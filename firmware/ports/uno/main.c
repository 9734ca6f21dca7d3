#include "agent.h"

static jsa_agent agent;

int main(void) __attribute__((OS_main)); /* never returns: it saves no registers */
int main(void) {
    jsa_agent_main(&agent);
}
