/** Runs a table of assembled sequences, which a test makes, one by one: sends what each returns,
 * all digits of it. */
#include "uno.h"

extern uint32_t (*const sequences[])(void);
extern const uint8_t sequence_count;

int main(void) {
    uart_start();
    TCCR1B = _BV(CS10);
    for (;;) {
        uart_receive();
        for (uint8_t index = 0; index < sequence_count; index++) {
            send_number(sequences[index]());
        }
    }
}
