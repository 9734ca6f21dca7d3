#include "portable.h"
#define jr_add_run jr_add_run_portable
#include "../kernels/add.c"
