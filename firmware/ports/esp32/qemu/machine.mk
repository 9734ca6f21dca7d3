# How the firmware of the two machines is built. A board's Makefile sets, then includes this:
#
#   BOARD, CROSS   its id; the prefix of its compiler
#   PORT           its folder, with start.S, timebase.c, uart.c and $(BOARD).ld
#   CPU, IDENTITY_CPU   flags of the compiler for the core; those that its identity names
#   MACHINE_DEFINES, MACHINE_SOURCES   what else it needs; may be empty
#   POOL_BYTES     what the agent gets for plan and arena, here and on the part
#   IDF_CROSS      the prefix of ESP-IDF's compiler for the part
#
# It makes BUILD/firmware/BOARD/BOARD-qemu.{elf,bin,map} and a manifest; the flat image begins where
# the script has FIRMWARE. MAIN replaces main.c and the agent behind it, for tests of the port
# alone. Where IDF_PATH is set, idf.mk adds the part's own image.
QEMU := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
SHARED := $(abspath $(QEMU)/../shared)
FIRMWARE := $(abspath $(QEMU)/../../..)
LINKED := $(FIRMWARE)/ports/linked
BUILD ?= $(abspath $(FIRMWARE)/../build)
OUT := $(BUILD)/firmware/$(BOARD)
NAME := $(OUT)/$(BOARD)-qemu
CC := $(CROSS)gcc
PYTHON ?= $(or $(wildcard $(FIRMWARE)/../.venv/bin/python),python3)

JSA := $(FIRMWARE)/agent
include $(JSA)/agent.mk
JR := $(FIRMWARE)/runtime
include $(JR)/runtime.mk

PORT_SOURCES := $(SHARED)/port.c \
	$(addprefix $(QEMU)/, identity.c plan_store.c restart.c) \
	$(addprefix $(LINKED)/, memory.c bytes.c) \
	$(addprefix $(PORT)/, timebase.c uart.c) $(MACHINE_SOURCES)
ifdef MAIN
SOURCES := $(PORT_SOURCES) $(MAIN)
else
SOURCES := $(PORT_SOURCES) $(QEMU)/main.c $(JSA_SOURCES) $(JR_SOURCES)
endif

OPTIMIZE := -O2
STACK_BYTES := 4096
# The word that the reset handler fills the stack with and the high-water mark looks for.
DEFINES := -DSTACK_PATTERN=0xa5a5a5a5 -DJSA_COUNTS_INSTRUCTIONS=1 $(MACHINE_DEFINES)
INCLUDES := $(addprefix -I,$(PORT) $(QEMU) $(SHARED) $(LINKED) $(JSA_INCLUDES) $(JR_INCLUDES))
CFLAGS := $(CPU) $(OPTIMIZE) -std=c99 -ffreestanding -Wall -Wextra -Werror -g -ffunction-sections \
	-fdata-sections -fno-common $(DEFINES) $(INCLUDES) -MMD -MP
LDFLAGS := $(CPU) -nostdlib -L $(QEMU) -T $(PORT)/$(BOARD).ld \
	-Wl,--defsym=__pool_bytes=$(POOL_BYTES) -Wl,--defsym=__stack_bytes=$(STACK_BYTES) \
	-Wl,--gc-sections -Wl,--fatal-warnings -Wl,-Map=$(NAME).map

REVISION := $(shell git -C $(PORT) describe --always --dirty 2>/dev/null || echo unknown)
IDENTITY := gcc $(shell $(CC) -dumpfullversion) $(OPTIMIZE) $(IDENTITY_CPU)

OBJECT_FOLDER := $(OUT)
FLAGS_BESIDES = $(LDFLAGS)

.PHONY: all clean
all: $(NAME).bin $(OUT)/manifest.json

include $(FIRMWARE)/ports/objects.mk

$(call object,$(LINKED)/bytes.c): EXTRA := -fno-builtin -fno-tree-loop-distribute-patterns

$(OUT)/start.o: $(PORT)/start.S $(OUT)/flags
	@$(CC) $(CPU) $(DEFINES) -c $< -o $@

$(NAME).elf: $(OBJECTS) $(OUT)/start.o $(PORT)/$(BOARD).ld $(QEMU)/sections.ld $(OUT)/flags
	@$(CC) $(LDFLAGS) $(OUT)/start.o $(OBJECTS) -lgcc -o $@

$(NAME).bin: $(NAME).elf
	@$(CROSS)objcopy -O binary $< $@
	@$(PYTHON) $(FIRMWARE)/size_report.py $(NAME).map $@ --flash-limit firmware_limit \
		--besides pool plan_store

ifdef IDF_PATH
include $(QEMU)/../idf.mk
else
.PHONY: say_what_is_missing
all: say_what_is_missing
say_what_is_missing:
	@echo '$(BOARD): the image for the part is not built, because IDF_PATH is not set'

$(OUT)/manifest.json: $(NAME).bin $(FIRMWARE)/manifest.py
	@$(PYTHON) $(FIRMWARE)/manifest.py $@ --board $(BOARD) --revision '$(REVISION)' \
		--build '$(IDENTITY), $(REVISION)' --compiler '$(shell $(CC) --version | head -n 1)' \
		--flags '$(filter-out -I% -M%,$(CFLAGS))' --elf $(NAME).elf --nm $(CROSS)nm \
		--flash-bytes $$(stat -c %s $(NAME).bin) --static-bytes __static_bytes \
		--stack-bytes __stack_bytes $(NAME).bin
endif

clean:
	@rm -rf $(OUT)
