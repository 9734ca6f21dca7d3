/** Runs assembled operations, which a test makes, over all pairs of some operands; sends result and
 * SREG of each. */
#include "uno.h"

/** The test's: SREG in bits 16 to 23, the result below. Bit 7 of `sreg` is clear. */
extern uint32_t (*const operations[])(uint8_t a, uint8_t b, uint8_t sreg);
extern const uint8_t operation_count;
extern const uint8_t operands[];
extern const uint8_t operand_count;
extern const uint8_t flags[];
extern const uint8_t flags_count;

int main(void) {
    uart_start();
    for (;;) {
        const uint8_t operation = uart_receive();
        for (uint8_t a = 0; a < operand_count; a++) {
            for (uint8_t b = 0; b < operand_count; b++) {
                for (uint8_t sreg = 0; sreg < flags_count; sreg++) {
                    const uint32_t answer =
                        operations[operation](operands[a], operands[b], flags[sreg]);
                    uart_send(answer);
                    uart_send(answer >> 8);
                    uart_send(answer >> 16);
                }
            }
        }
    }
}
