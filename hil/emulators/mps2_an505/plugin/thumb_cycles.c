/*
 * Arm publishes no table for the Cortex-M33. This one follows the Cortex-M4's (TRM, table 3-1):
 * single loads 2; multiple ones 1 + a cycle a register, stores too; divisions 6 (2 to 12 there);
 * all else 1, multiplications included. Encodings are those of the Armv8-M Architecture Reference
 * Manual, section C2.3. Without the floating-point extension, which the firmware does not use.
 */
#include "thumb_cycles.h"

#define LOAD_CYCLES     2u
#define DIVIDE_CYCLES   6u
#define MULTIPLE_CYCLES 1u /* and one a register */

static uint32_t multiple(uint32_t registers) {
    return MULTIPLE_CYCLES + (uint32_t)__builtin_popcount(registers);
}

static uint32_t narrow(uint32_t code) {
    switch (code >> 11) {
    case 0x09: /* LDR (literal) */
    case 0x0d: /* LDR (immediate) */
    case 0x0f: /* LDRB (immediate) */
    case 0x11: /* LDRH (immediate) */
    case 0x13: /* LDR (immediate), from the stack */
        return LOAD_CYCLES;
    case 0x0a: /* STR, STRH, STRB; LDRSB (register) */
        return (code >> 9) == 0x2b ? LOAD_CYCLES : 1u;
    case 0x0b: /* LDR, LDRH, LDRB, LDRSH (register) */
        return LOAD_CYCLES;
    case 0x18: /* STM */
    case 0x19: /* LDM */
        return multiple(code & 0xffu);
    default:
        break;
    }
    if ((code & 0xf600u) == 0xb400u) { /* PUSH, POP; the ninth register is LR or PC */
        return multiple(code & 0x1ffu);
    }
    return 1u;
}

static uint32_t wide(uint32_t first, uint32_t second) {
    const uint32_t loads = first & 0x0010u;
    if ((first & 0xfe40u) == 0xe800u) { /* LDM, STM, PUSH, POP */
        return multiple(second);
    }
    if ((first & 0xfe40u) == 0xe840u) {
        if ((first & 0x0120u) != 0 && (first & 0x0fe0u) != 0x08c0u) { /* LDRD, STRD */
            return multiple(3u);
        }
        return loads ? LOAD_CYCLES : 1u; /* exclusive, acquire and release; TBB, TBH */
    }
    if ((first & 0xfe00u) == 0xf800u) { /* a single register */
        return loads ? LOAD_CYCLES : 1u;
    }
    if ((first & 0xffd0u) == 0xfb90u && (second & 0x00f0u) == 0x00f0u) { /* SDIV, UDIV */
        return DIVIDE_CYCLES;
    }
    return 1u;
}

/* [C2.2.1] */
size_t thumb_size(const uint8_t *code) {
    return (code[1] >> 3) >= 0x1d ? 4 : 2;
}

uint32_t thumb_cycles(const uint8_t *code, size_t size) {
    const uint32_t first = (uint32_t)code[0] | (uint32_t)code[1] << 8;
    return size == 2 ? narrow(first) : wide(first, (uint32_t)code[2] | (uint32_t)code[3] << 8);
}
