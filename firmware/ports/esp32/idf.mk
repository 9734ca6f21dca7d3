# The part's own image, where ESP-IDF is: BUILD/firmware/BOARD/BOARD.bin, flat from the flash's first
# byte, for esptool; and BOARD-emulated.bin, the whole flash and in it the name of the emulator,
# for Espressif's QEMU. qemu/machine.mk includes this and has set what is not set here. TIMED_PIN is
# the GPIO that is high during the timed region, for a meter; 4 is free on both boards.
TIMED_PIN ?= 4
IDF := $(abspath $(QEMU)/../idf)
IDF_OUT := $(OUT)/idf
IDF_IDENTITY := gcc $(shell $(IDF_CROSS)gcc -dumpfullversion) -O2, \
	ESP-IDF $(shell cat $(IDF_PATH)/version.txt 2>/dev/null || git -C $(IDF_PATH) describe --tags)
IDF_SOURCES := $(SHARED)/port.c \
	$(addprefix $(IDF)/main/, identity.c main.c memory.c plan_store.c restart.c timebase.c uart.c) \
	$(JSA_SOURCES) $(JR_SOURCES)
# Where partitions.csv has the partition of that name.
EMULATOR_OFFSET := $$((0x9000))

export JUMPSTATION_SOURCES := $(IDF_OUT).cmake

.PHONY: $(IDF_OUT).cmake
$(IDF_OUT).cmake:
	@mkdir -p $(@D)
	@printf '%s\n' 'set(JUMPSTATION_SRCS $(IDF_SOURCES))' \
		'set(JUMPSTATION_INCLUDE_DIRS $(SHARED) $(LINKED) $(JSA_INCLUDES) $(JR_INCLUDES))' \
		'set(JUMPSTATION_DEFINITIONS POOL_BYTES=$(POOL_BYTES) TIMED_PIN=$(TIMED_PIN)' \
		'    [[JSA_BUILD="$(IDF_IDENTITY), $(REVISION)"]])' > $@

# ESP-IDF looks by itself what is out of date.
$(OUT)/$(BOARD).bin: $(IDF_OUT).cmake
	@idf.py -C $(IDF) -B $(IDF_OUT) -D IDF_TARGET=$(BOARD) -D SDKCONFIG=$(IDF_OUT)/sdkconfig build
	@cd $(IDF_OUT) && esptool.py --chip $(BOARD) merge_bin -o $@ @flash_args

$(OUT)/$(BOARD)-emulated.bin: $(OUT)/$(BOARD).bin
	@cd $(IDF_OUT) && esptool.py --chip $(BOARD) merge_bin -o $@ --fill-flash-size 4MB @flash_args
	@printf 'qemu $(BOARD)\0' | dd of=$@ bs=1 seek=$(EMULATOR_OFFSET) conv=notrunc status=none

$(OUT)/manifest.json: $(OUT)/$(BOARD)-emulated.bin $(FIRMWARE)/manifest.py
	@$(PYTHON) $(FIRMWARE)/manifest.py $@ --board $(BOARD) --revision '$(REVISION)' \
		--build '$(IDF_IDENTITY), $(REVISION)' \
		--compiler '$(shell $(IDF_CROSS)gcc --version | head -n 1)' \
		--flags 'those of ESP-IDF with firmware/ports/esp32/idf/sdkconfig.defaults' \
		--flash-bytes $$(stat -c %s $(IDF_OUT)/jumpstation.bin) \
		$(OUT)/$(BOARD).bin $(OUT)/$(BOARD)-emulated.bin
