/** Sends every character back. */
#include "uno.h"

int main(void) {
    uart_start();
    for (;;) {
        uart_send(uart_receive());
    }
}
