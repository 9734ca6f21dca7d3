#include "portable.h"
#define jr_fully_connected_run jr_fully_connected_run_portable
#include "../kernels/fully_connected.c"
