/* Sends back what it receives. */
#include "port.h"

int main(void) {
    uint8_t bytes[64];
    port_init();
    for (;;) {
        const uint32_t count = port_read(bytes, sizeof bytes);
        port_feed_watchdog();
        port_write(bytes, count);
        if (count == 0) {
            port_idle();
        }
    }
}
