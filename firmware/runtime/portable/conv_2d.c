#include "portable.h"
#define jr_conv_2d_run jr_conv_2d_run_portable
#include "../kernels/conv_2d.c"
