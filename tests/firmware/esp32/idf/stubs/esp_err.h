/* What the port uses of ESP-IDF 5, as its API reference declares it; nothing behind it. */
#ifndef STUB_ESP_ERR_H
#define STUB_ESP_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int esp_err_t;
#define ESP_OK             0
#define ESP_ERROR_CHECK(x) ((void)(x))

#endif
