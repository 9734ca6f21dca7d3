/*
 * For test builds, in a kernel's place: never ends. The loop is long because emulators that
 * translate code get through a long block far faster, and the watchdog's time is long.
 */
#include "kernels.h"

void jr_mul_run(const jr_args *args) {
    (void)args;
    for (;;) {
        __asm volatile(".rept 200\n\tnop\n\t.endr");
    }
}
