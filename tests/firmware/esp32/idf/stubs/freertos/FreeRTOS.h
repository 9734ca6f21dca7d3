#include "esp_err.h"

typedef uint32_t TickType_t;
typedef uint32_t UBaseType_t;
