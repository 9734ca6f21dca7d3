#include "uart.h"

#include <driver/uart.h>
#include <soc/uart_pins.h>

#define BAUD     921600
#define RX_BYTES 4096

void uart_init(void) {
    const uart_config_t config = {
        .baud_rate = BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(UART_NUM_0, RX_BYTES, 0, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(UART_NUM_0, &config));
    ESP_ERROR_CHECK(uart_set_pin(UART_NUM_0, U0TXD_GPIO_NUM, U0RXD_GPIO_NUM, UART_PIN_NO_CHANGE,
                                 UART_PIN_NO_CHANGE));
}

bool uart_has_bytes(void) {
    size_t count = 0;
    return uart_get_buffered_data_len(UART_NUM_0, &count) == ESP_OK && count > 0;
}

uint32_t uart_read(uint8_t *buffer, uint32_t capacity) {
    const int count = uart_read_bytes(UART_NUM_0, buffer, capacity, 0);
    return count > 0 ? (uint32_t)count : 0;
}

/* Returns when the last bytes are in the FIFO: at most 25 ms for the agent's largest piece. */
void uart_write(const uint8_t *data, uint32_t count) {
    (void)uart_write_bytes(UART_NUM_0, data, count);
}
