# One image of the UNO Q's microcontroller: OUT/NAME.{elf,bin,map}. The Makefile beside it calls it.
#
#   CHIP   u585: the part; an505: the machine that QEMU emulates
#   NAME   of the image
#
# MAIN replaces main.c and the agent behind it, for tests of the port alone. HANG=1 and OVERRUN=1
# are test builds: their MUL never ends, or writes behind its output.
CC := $(CROSS)gcc
CHIP_FOLDER := $(PORT)/$(CHIP)
OBJECT_FOLDER := $(OUT)/$(NAME)

JSA := $(FIRMWARE)/agent
include $(JSA)/agent.mk
JR := $(FIRMWARE)/runtime
include $(wildcard $(JR)/cortex_m33/*.mk)
include $(JR)/runtime.mk

PORT_SOURCES := $(addprefix $(PORT)/, port.c restart.c timebase.c uart.c) \
	$(FIRMWARE)/ports/linked/memory.c $(wildcard $(CHIP_FOLDER)/*.c)
ifdef MAIN
SOURCES := $(PORT_SOURCES) $(MAIN)
else
SOURCES := $(PORT_SOURCES) $(PORT)/main.c $(JSA_SOURCES) $(JR_SOURCES)
endif

# The word that the reset handler fills the stack with and the high-water mark looks for.
DEFINES := -DSTACK_PATTERN=0xa5a5a5a5
ifeq ($(CHIP),an505)
DEFINES += -DJSA_COUNTS_INSTRUCTIONS=1
endif
INCLUDES := $(addprefix -I,$(PORT) $(FIRMWARE)/ports/linked $(CHIP_FOLDER) $(JSA_INCLUDES) $(JR_INCLUDES))
CFLAGS := $(CPU) $(OPTIMIZE) -std=c99 -Wall -Wextra -Werror -g -ffunction-sections \
	-fdata-sections -fno-common $(DEFINES) $(INCLUDES) -MMD -MP
LDFLAGS := $(CPU) -nostartfiles --specs=nano.specs -L $(PORT) -T $(CHIP_FOLDER)/$(CHIP).ld \
	-Wl,--gc-sections -Wl,--fatal-warnings -Wl,-Map=$(OUT)/$(NAME).map

STARTUP := $(OBJECT_FOLDER)/start.o $(OBJECT_FOLDER)/vectors.o

.PHONY: all
all: $(OUT)/$(NAME).bin

include $(FIRMWARE)/ports/objects.mk

$(OBJECT_FOLDER)/start.o: $(PORT)/start.S $(OBJECT_FOLDER)/flags
	@$(CC) $(CPU) $(DEFINES) -c $< -o $@

$(OBJECT_FOLDER)/vectors.o: $(CHIP_FOLDER)/vectors.S $(OBJECT_FOLDER)/flags
	@$(CC) $(CPU) -c $< -o $@

$(OUT)/$(NAME).elf: $(OBJECTS) $(STARTUP) $(CHIP_FOLDER)/$(CHIP).ld $(PORT)/sections.ld
	@$(CC) $(LDFLAGS) $(STARTUP) $(OBJECTS) -o $@

$(OUT)/$(NAME).bin: $(OUT)/$(NAME).elf
	@$(CROSS)objcopy -O binary $< $@
	@$(PYTHON) $(FIRMWARE)/size_report.py $(OUT)/$(NAME).map $@ --flash-limit flash --ram-limit ram
