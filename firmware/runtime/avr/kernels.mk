# AVR's own kernels, in place of the portable ones; a port includes this before runtime.mk. What
# several of them share is listed with one of them: a port that omits an op omits no source.
# convolution.c is both convolutions' kernel, requantize.* what requantize.h declares for AVR.
JR_AVR := $(JR)/avr
JR_CONV_2D := $(JR_AVR)/convolution.c
JR_DEPTHWISE_CONV_2D :=
JR_FULLY_CONNECTED := $(JR_AVR)/fully_connected.c $(JR_AVR)/scaling.c $(JR_AVR)/dot_product.S \
    $(JR_AVR)/requantize.c $(JR_AVR)/requantize.S
JR_ADD := $(JR_AVR)/add.c
JR_CRC32 := $(JR_AVR)/crc32.S
