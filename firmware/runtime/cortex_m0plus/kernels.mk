# The Cortex-M0+'s own kernels; a port includes this before runtime.mk. A kernel here takes
# the shapes that it is fast at and leaves the others to the portable kernel, which is linked beside
# it under another name. What several kernels share is listed with one of them.
JR_M0 := $(JR)/cortex_m0plus
JR_CONV_2D := $(JR_M0)/conv_2d.c $(JR_M0)/conv_block.S $(JR_M0)/conv_block_plain.c \
    $(JR_M0)/expand_weights.c $(JR_M0)/scaling.c $(JR)/portable/conv_2d.c
JR_DEPTHWISE_CONV_2D := $(JR_M0)/depthwise_conv_2d.c $(JR)/portable/depthwise_conv_2d.c
JR_FULLY_CONNECTED := $(JR_M0)/fully_connected.c $(JR_M0)/dot_product.S \
    $(JR_M0)/dot_product_int4.S $(JR)/portable/fully_connected.c
