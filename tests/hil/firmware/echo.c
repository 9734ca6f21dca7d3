/* Sends every byte back, polling. */
#include "pico.h"

void test_main(void) {
    put_text("ready\n");
    for (;;) {
        put(get());
    }
}
