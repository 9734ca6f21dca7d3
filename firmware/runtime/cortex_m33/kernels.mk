# The kernels of cores with the DSP extension of Armv8-M; a port includes this before runtime.mk.
# A kernel here takes the shapes that it is fast at and leaves the others to the portable kernel,
# which is linked beside it under another name. What several kernels share is listed with one of them.
JR_M33 := $(JR)/cortex_m33
JR_CONV_2D := $(JR_M33)/conv_2d.c $(JR_M33)/channel_block.S $(JR_M33)/pixel_pair.S \
    $(JR_M33)/pixel_pair_int4.S $(JR_M33)/patches.c $(JR_M33)/scaling.c $(JR)/portable/conv_2d.c
JR_FULLY_CONNECTED := $(JR_M33)/fully_connected.c $(JR_M33)/row_pair.S $(JR_M33)/row_pair_int4.S \
    $(JR)/portable/fully_connected.c
JR_DEPTHWISE_CONV_2D := $(JR_M33)/depthwise_conv_2d.c $(JR_M33)/depthwise_3x3.S \
    $(JR)/portable/depthwise_conv_2d.c
JR_ADD := $(JR_M33)/add.c $(JR)/portable/add.c
JR_AVERAGE_POOL_2D := $(JR_M33)/average_pool_2d.c $(JR)/portable/average_pool_2d.c
