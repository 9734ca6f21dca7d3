/*
 * For test builds, in a kernel's place: right, but that it flips a bit of its first output element
 * where the two lowest ones are set, so that some inputs show it and others do not.
 */
#define jr_average_pool_2d_run right_average_pool_2d_run
#include "../kernels/average_pool_2d.c"
#undef jr_average_pool_2d_run

void jr_average_pool_2d_run(const jr_args *args) {
    int8_t *output = jr_output(args, 0);
    right_average_pool_2d_run(args);
    if ((output[0] & 3) == 3) {
        output[0] ^= 0x40;
    }
}
