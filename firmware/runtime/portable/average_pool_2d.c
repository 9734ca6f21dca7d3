#include "portable.h"
#define jr_average_pool_2d_run jr_average_pool_2d_run_portable
#include "../kernels/average_pool_2d.c"
