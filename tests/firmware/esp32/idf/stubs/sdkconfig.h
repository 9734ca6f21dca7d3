/* What ESP-IDF's build makes of sdkconfig.defaults for an ESP32. */
#define CONFIG_IDF_TARGET               "esp32"
#define CONFIG_IDF_TARGET_ARCH_XTENSA   1
#define CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ 240
#define CONFIG_ESP_MAIN_TASK_STACK_SIZE 6144
