#include "portable.h"
#define jr_depthwise_conv_2d_run jr_depthwise_conv_2d_run_portable
#include "../kernels/depthwise_conv_2d.c"
