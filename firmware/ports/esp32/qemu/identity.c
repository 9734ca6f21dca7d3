#include "identity.h"

#include "machine.h"

/* What does not end within its room is no name. */
void identity_read_emulator(char name[IDENTITY_NAME_BYTES]) {
    const volatile char *const source = (const volatile char *)MACHINE_EMULATOR_NAME;
    for (uint32_t i = 0; i < IDENTITY_NAME_BYTES; i++) {
        name[i] = source[i];
        if (name[i] == '\0') {
            return;
        }
    }
    name[0] = '\0';
}

/* The parts have a MAC address in their fuses, the machines have nothing. */
uint8_t identity_read_uid(uint8_t uid[16]) {
    (void)uid;
    return 0;
}
