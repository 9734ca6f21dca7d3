#include "identity.h"

#include <esp_mac.h>
#include <esp_partition.h>

#include "machine.h"

#define MAC_BYTES 6u

/* An emulator's image has it in a partition that is erased on the part: no name begins so. */
void identity_read_emulator(char name[IDENTITY_NAME_BYTES]) {
    const esp_partition_t *const partition =
        esp_partition_find_first(MACHINE_PARTITION_TYPE, MACHINE_PARTITION_EMULATOR, NULL);
    if (partition == NULL ||
        esp_partition_read(partition, 0, name, IDENTITY_NAME_BYTES) != ESP_OK || name[0] < ' ' ||
        name[0] > '~') {
        name[0] = '\0';
    }
    name[IDENTITY_NAME_BYTES - 1u] = '\0';
}

/* The MAC address that Espressif has burnt into the fuses. */
uint8_t identity_read_uid(uint8_t uid[16]) {
    return esp_efuse_mac_get_default(uid) == ESP_OK ? MAC_BYTES : 0;
}
