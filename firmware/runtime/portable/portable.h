/* The portable kernels under other names: what cores' own kernels leave to them. */
#ifndef JR_PORTABLE_H
#define JR_PORTABLE_H

#include "jr_kernel.h"

void jr_conv_2d_run_portable(const jr_args *args);
void jr_depthwise_conv_2d_run_portable(const jr_args *args);
void jr_fully_connected_run_portable(const jr_args *args);
void jr_add_run_portable(const jr_args *args);
void jr_average_pool_2d_run_portable(const jr_args *args);

#endif
