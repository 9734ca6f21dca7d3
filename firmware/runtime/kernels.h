/*
 * The kernels of this build, by op kind. A port leaves a kind out by defining
 * JR_OMIT_<KIND>; a core replaces a kind's run function by linking its own object
 * in place of kernels/<kind>.c (see runtime.mk).
 */
#ifndef JR_KERNELS_H
#define JR_KERNELS_H

#include "jr_kernel.h"

int jr_conv_2d_check(const jr_args *args);
int jr_depthwise_conv_2d_check(const jr_args *args);
int jr_fully_connected_check(const jr_args *args);
int jr_add_check(const jr_args *args);
int jr_mul_check(const jr_args *args);
int jr_average_pool_2d_check(const jr_args *args);
int jr_max_pool_2d_check(const jr_args *args);
int jr_softmax_check(const jr_args *args);
int jr_lookup_check(const jr_args *args);
int jr_pad_check(const jr_args *args);
int jr_mean_check(const jr_args *args);
int jr_concatenation_check(const jr_args *args);
int jr_transpose_check(const jr_args *args);
int jr_reshape_check(const jr_args *args);
int jr_constant_check(const jr_args *args);

void jr_conv_2d_run(const jr_args *args);
void jr_depthwise_conv_2d_run(const jr_args *args);
void jr_fully_connected_run(const jr_args *args);
void jr_add_run(const jr_args *args);
void jr_mul_run(const jr_args *args);
void jr_average_pool_2d_run(const jr_args *args);
void jr_max_pool_2d_run(const jr_args *args);
void jr_softmax_run(const jr_args *args);
void jr_lookup_run(const jr_args *args);
void jr_pad_run(const jr_args *args);
void jr_mean_run(const jr_args *args);
void jr_concatenation_run(const jr_args *args);
void jr_transpose_run(const jr_args *args);
void jr_reshape_run(const jr_args *args);
void jr_constant_run(const jr_args *args);

/* The kernel of an op kind, or NULL where this build has none. */
const JR_PLAN jr_kernel *jr_find_kernel(uint8_t kind);

#endif
