#include "kernels.h"

#include <stddef.h>

#ifdef JR_PLAN_IS_PROGRAMMED
#define KERNEL(name, params)                                                                       \
    { jr_##name##_run, sizeof(params) }
#else
#define KERNEL(name, params)                                                                       \
    { jr_##name##_run, sizeof(params), jr_##name##_check }
#endif

/* By op kind; an omitted kind keeps a NULL run. */
static const JR_PLAN jr_kernel kernels[] = {
#ifndef JR_OMIT_CONV_2D
    [JSP_OP_CONV_2D] = KERNEL(conv_2d, jsp_conv_params),
#endif
#ifndef JR_OMIT_DEPTHWISE_CONV_2D
    [JSP_OP_DEPTHWISE_CONV_2D] = KERNEL(depthwise_conv_2d, jsp_conv_params),
#endif
#ifndef JR_OMIT_FULLY_CONNECTED
    [JSP_OP_FULLY_CONNECTED] = KERNEL(fully_connected, jsp_fully_connected_params),
#endif
#ifndef JR_OMIT_ADD
    [JSP_OP_ADD] = KERNEL(add, jsp_elementwise_params),
#endif
#ifndef JR_OMIT_MUL
    [JSP_OP_MUL] = KERNEL(mul, jsp_elementwise_params),
#endif
#ifndef JR_OMIT_AVERAGE_POOL_2D
    [JSP_OP_AVERAGE_POOL_2D] = KERNEL(average_pool_2d, jsp_pool_params),
#endif
#ifndef JR_OMIT_MAX_POOL_2D
    [JSP_OP_MAX_POOL_2D] = KERNEL(max_pool_2d, jsp_pool_params),
#endif
#ifndef JR_OMIT_SOFTMAX
    [JSP_OP_SOFTMAX] = KERNEL(softmax, jsp_softmax_params),
#endif
#ifndef JR_OMIT_LOGISTIC
    [JSP_OP_LOGISTIC] = KERNEL(lookup, jsp_lookup_params),
#endif
#ifndef JR_OMIT_HARD_SWISH
    [JSP_OP_HARD_SWISH] = KERNEL(lookup, jsp_lookup_params),
#endif
#ifndef JR_OMIT_PAD
    [JSP_OP_PAD] = KERNEL(pad, jsp_pad_params),
#endif
#ifndef JR_OMIT_MEAN
    [JSP_OP_MEAN] = KERNEL(mean, jsp_mean_params),
#endif
#ifndef JR_OMIT_CONCATENATION
    [JSP_OP_CONCATENATION] = KERNEL(concatenation, jsp_concatenation_params),
#endif
#ifndef JR_OMIT_TRANSPOSE
    [JSP_OP_TRANSPOSE] = KERNEL(transpose, jsp_transpose_params),
#endif
#ifndef JR_OMIT_QUANTIZE
    [JSP_OP_QUANTIZE] = KERNEL(lookup, jsp_lookup_params),
#endif
#ifndef JR_OMIT_RESHAPE
    [JSP_OP_RESHAPE] = KERNEL(reshape, jsp_reshape_params),
#endif
#ifndef JR_OMIT_CONSTANT
    [JSP_OP_CONSTANT] = KERNEL(constant, jsp_constant_params),
#endif
#ifndef JR_OMIT_CONV_2D_INT4
    [JSP_OP_CONV_2D_INT4] = KERNEL(conv_2d, jsp_conv_params),
#endif
#ifndef JR_OMIT_FULLY_CONNECTED_INT4
    [JSP_OP_FULLY_CONNECTED_INT4] = KERNEL(fully_connected, jsp_fully_connected_params),
#endif
};

const JR_PLAN jr_kernel *jr_find_kernel(uint8_t kind) {
    if (kind >= sizeof kernels / sizeof kernels[0] || kernels[kind].run == NULL) {
        return NULL;
    }
    return &kernels[kind];
}

uint32_t jr_op_set(void) {
    uint32_t set = 0;
    uint8_t kind;
    for (kind = 0; kind < sizeof kernels / sizeof kernels[0]; kind++) {
        if (jr_find_kernel(kind) != NULL) {
            set |= UINT32_C(1) << kind;
        }
    }
    return set;
}
