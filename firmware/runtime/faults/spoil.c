/*
 * For test builds, in a kernel's place: right, but that it overwrites the first element of its
 * input, which a later op may still read.
 */
#define jr_average_pool_2d_run right_average_pool_2d_run
#include "../kernels/average_pool_2d.c"
#undef jr_average_pool_2d_run

void jr_average_pool_2d_run(const jr_args *args) {
    right_average_pool_2d_run(args);
    args->arena[jr_op_tensor(args, 0)->arena_offset] ^= 0x40;
}
