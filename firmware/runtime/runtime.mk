# What a port compiles of the runtime. JR is the path to this folder; include
# directories are $(JR_INCLUDES). A core that has its own kernel sets that kernel's
# variable before it includes this file:
#
#   JR := ../../runtime
#   JR_CONV_2D := $(JR)/cortex_m0plus/conv_2d.c
#   include $(JR)/runtime.mk
#   sources += $(JR_SOURCES)
JR_INCLUDES = $(JR) $(JR)/kernels $(JR)/../include

# Test builds of any port: the MUL of HANG=1 never ends, that of OVERRUN=1 writes behind its output,
# the AVERAGE_POOL_2D of FLIP=1 is wrong for some inputs, that of SPOIL=1 overwrites what it has read.
ifdef HANG
JR_MUL := $(JR)/faults/hang.c
endif
ifdef OVERRUN
JR_MUL := $(JR)/faults/overrun.c
endif
ifdef FLIP
JR_AVERAGE_POOL_2D := $(JR)/faults/flip.c
endif
ifdef SPOIL
JR_AVERAGE_POOL_2D := $(JR)/faults/spoil.c
endif

# What a plan is checked with when it is loaded. A port that takes plans in the image of its firmware
# alone sets this to $(JR)/check_programmed.c and defines JR_PLAN_IS_PROGRAMMED.
JR_PLAN_CHECKS ?= \
    $(JR)/check_plan.c $(JR)/check_common.c \
    $(JR)/checks/check_conv.c $(JR)/checks/check_fully_connected.c \
    $(JR)/checks/check_elementwise.c $(JR)/checks/check_pool.c $(JR)/checks/check_softmax.c \
    $(JR)/checks/check_lookup.c $(JR)/checks/check_pad.c $(JR)/checks/check_mean.c \
    $(JR)/checks/check_concatenation.c $(JR)/checks/check_transpose.c \
    $(JR)/checks/check_reshape.c $(JR)/checks/check_constant.c

JR_COMMON_SOURCES = \
    $(JR)/engine.c $(JR)/check_header.c $(JR_PLAN_CHECKS) $(JR_CRC32) $(JR)/kernels.c \
    $(JR)/kernels/elementwise.c $(JR)/kernels/pool.c

JR_CRC32 ?= $(JR)/crc32.c

# A variable a kernel; each defines that kernel's jr_<kind>_run.
JR_CONV_2D ?= $(JR)/kernels/conv_2d.c
JR_DEPTHWISE_CONV_2D ?= $(JR)/kernels/depthwise_conv_2d.c
JR_FULLY_CONNECTED ?= $(JR)/kernels/fully_connected.c
JR_ADD ?= $(JR)/kernels/add.c
JR_MUL ?= $(JR)/kernels/mul.c
JR_AVERAGE_POOL_2D ?= $(JR)/kernels/average_pool_2d.c
JR_MAX_POOL_2D ?= $(JR)/kernels/max_pool_2d.c
JR_SOFTMAX ?= $(JR)/kernels/softmax.c
JR_LOOKUP ?= $(JR)/kernels/lookup.c
JR_PAD ?= $(JR)/kernels/pad.c
JR_MEAN ?= $(JR)/kernels/mean.c
JR_CONCATENATION ?= $(JR)/kernels/concatenation.c
JR_TRANSPOSE ?= $(JR)/kernels/transpose.c
JR_RESHAPE ?= $(JR)/kernels/reshape.c
JR_CONSTANT ?= $(JR)/kernels/constant.c

JR_KERNEL_SOURCES = $(JR_CONV_2D) $(JR_DEPTHWISE_CONV_2D) $(JR_FULLY_CONNECTED) $(JR_ADD) \
    $(JR_MUL) $(JR_AVERAGE_POOL_2D) $(JR_MAX_POOL_2D) $(JR_SOFTMAX) $(JR_LOOKUP) $(JR_PAD) \
    $(JR_MEAN) $(JR_CONCATENATION) $(JR_TRANSPOSE) $(JR_RESHAPE) $(JR_CONSTANT)
JR_SOURCES = $(JR_COMMON_SOURCES) $(JR_KERNEL_SOURCES)
