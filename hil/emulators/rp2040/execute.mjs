/**
 * One instruction of the Cortex-M0+: its effect (ARMv6-M reference manual, A6.7) and its cycles (Cortex-M0+ TRM,
 * table 3-1). Wait states are added by the bus. The numbers of the instructions are those of `decode.mjs`, written
 * out because only literals make a jump table of the switch: this doubles the emulator's speed.
 */
import { add, addWithCarry, subtract } from './arithmetic.mjs';
import { DECODE } from './decode.mjs';
import { executeRare } from './execute_rare.mjs';

const SRAM_BASE = 0x20000000;
const SRAM_BYTES = 0x42000;
const XIP_LINE_SHIFT = 3;

/** @param {import('./core.mjs').Core} core */
export function executeInstruction(core) {
  const { r, bus } = core;
  const pc = r[15];
  r[15] = pc + 2;
  let op;
  const sramOffset = pc - SRAM_BASE;
  if (sramOffset >= 0 && sramOffset < SRAM_BYTES) {
    op = bus.sram16[sramOffset >>> 1];
  } else if (pc >>> XIP_LINE_SHIFT === bus.xip.fetchLine) {
    op = bus.flash16[(pc & 0xffffff) >>> 1];
  } else {
    op = bus.fetch16(pc >>> 0);
  }
  core.cycles += 1;
  switch (DECODE[op]) {
    case 0: { // LSL_IMM
      const value = r[(op >>> 3) & 7];
      const shift = (op >>> 6) & 31;
      if (shift !== 0) {
        core.c = (value >>> (32 - shift)) & 1;
      }
      core.n = core.z = r[op & 7] = value << shift;
      return;
    }
    case 1: { // LSR_IMM
      const value = r[(op >>> 3) & 7];
      const shift = (op >>> 6) & 31;
      core.c = (value >>> (shift === 0 ? 31 : shift - 1)) & 1;
      core.n = core.z = r[op & 7] = shift === 0 ? 0 : value >>> shift;
      return;
    }
    case 2: { // ASR_IMM
      const value = r[(op >>> 3) & 7];
      const shift = (op >>> 6) & 31;
      core.c = (value >> (shift === 0 ? 31 : shift - 1)) & 1;
      core.n = core.z = r[op & 7] = value >> (shift === 0 ? 31 : shift);
      return;
    }
    case 3: // ADD_REG
      r[op & 7] = add(core, r[(op >>> 3) & 7], r[(op >>> 6) & 7]);
      return;
    case 4: // SUB_REG
      r[op & 7] = subtract(core, r[(op >>> 3) & 7], r[(op >>> 6) & 7]);
      return;
    case 5: // ADD_IMM3
      r[op & 7] = add(core, r[(op >>> 3) & 7], (op >>> 6) & 7);
      return;
    case 6: // SUB_IMM3
      r[op & 7] = subtract(core, r[(op >>> 3) & 7], (op >>> 6) & 7);
      return;
    case 7: // MOV_IMM
      core.n = core.z = r[(op >>> 8) & 7] = op & 0xff;
      return;
    case 8: // CMP_IMM
      subtract(core, r[(op >>> 8) & 7], op & 0xff);
      return;
    case 9: // ADD_IMM8
      r[(op >>> 8) & 7] = add(core, r[(op >>> 8) & 7], op & 0xff);
      return;
    case 10: // SUB_IMM8
      r[(op >>> 8) & 7] = subtract(core, r[(op >>> 8) & 7], op & 0xff);
      return;
    case 11: // AND
      core.n = core.z = r[op & 7] &= r[(op >>> 3) & 7];
      return;
    case 12: // EOR
      core.n = core.z = r[op & 7] ^= r[(op >>> 3) & 7];
      return;
    case 13: { // LSL_REG
      const value = r[op & 7];
      const shift = r[(op >>> 3) & 7] & 0xff;
      if (shift !== 0) {
        core.c = shift <= 32 ? (value >>> (32 - shift)) & 1 : 0;
      }
      core.n = core.z = r[op & 7] = shift < 32 ? value << shift : 0;
      return;
    }
    case 14: { // LSR_REG
      const value = r[op & 7];
      const shift = r[(op >>> 3) & 7] & 0xff;
      if (shift !== 0) {
        core.c = shift <= 32 ? (value >>> (shift - 1)) & 1 : 0;
      }
      core.n = core.z = r[op & 7] = shift < 32 ? value >>> shift : 0;
      return;
    }
    case 15: { // ASR_REG
      const value = r[op & 7];
      const shift = r[(op >>> 3) & 7] & 0xff;
      if (shift !== 0) {
        core.c = (value >> (shift <= 32 ? shift - 1 : 31)) & 1;
      }
      core.n = core.z = r[op & 7] = value >> (shift < 32 ? shift : 31);
      return;
    }
    case 16: // ADC
      r[op & 7] = addWithCarry(core, r[op & 7], r[(op >>> 3) & 7]);
      return;
    case 17: // SBC
      r[op & 7] = addWithCarry(core, r[op & 7], ~r[(op >>> 3) & 7]);
      return;
    case 18: { // ROR
      const value = r[op & 7];
      const amount = r[(op >>> 3) & 7] & 0xff;
      const shift = amount & 31;
      const result = shift === 0 ? value : (value >>> shift) | (value << (32 - shift));
      if (amount !== 0) {
        core.c = result >>> 31;
      }
      core.n = core.z = r[op & 7] = result;
      return;
    }
    case 19: // TST
      core.n = core.z = r[op & 7] & r[(op >>> 3) & 7];
      return;
    case 20: // RSB
      r[op & 7] = subtract(core, 0, r[(op >>> 3) & 7]);
      return;
    case 21: // CMP_REG
      subtract(core, r[op & 7], r[(op >>> 3) & 7]);
      return;
    case 22: // CMN
      add(core, r[op & 7], r[(op >>> 3) & 7]);
      return;
    case 23: // ORR
      core.n = core.z = r[op & 7] |= r[(op >>> 3) & 7];
      return;
    case 24: // MUL
      core.n = core.z = r[op & 7] = Math.imul(r[op & 7], r[(op >>> 3) & 7]);
      return;
    case 25: // BIC
      core.n = core.z = r[op & 7] &= ~r[(op >>> 3) & 7];
      return;
    case 26: // MVN
      core.n = core.z = r[op & 7] = ~r[(op >>> 3) & 7];
      return;
    case 32: // LDR_LITERAL
      core.cycles += 1;
      r[(op >>> 8) & 7] = bus.read32((((pc + 4) & ~3) + ((op & 0xff) << 2)) >>> 0);
      return;
    case 33: // STR_REG
      core.cycles += 1;
      bus.write32((r[(op >>> 3) & 7] + r[(op >>> 6) & 7]) >>> 0, r[op & 7]);
      return;
    case 34: // STRH_REG
      core.cycles += 1;
      bus.write16((r[(op >>> 3) & 7] + r[(op >>> 6) & 7]) >>> 0, r[op & 7]);
      return;
    case 35: // STRB_REG
      core.cycles += 1;
      bus.write8((r[(op >>> 3) & 7] + r[(op >>> 6) & 7]) >>> 0, r[op & 7]);
      return;
    case 36: // LDRSB_REG
      core.cycles += 1;
      r[op & 7] = (bus.read8((r[(op >>> 3) & 7] + r[(op >>> 6) & 7]) >>> 0) << 24) >> 24;
      return;
    case 37: // LDR_REG
      core.cycles += 1;
      r[op & 7] = bus.read32((r[(op >>> 3) & 7] + r[(op >>> 6) & 7]) >>> 0);
      return;
    case 38: // LDRH_REG
      core.cycles += 1;
      r[op & 7] = bus.read16((r[(op >>> 3) & 7] + r[(op >>> 6) & 7]) >>> 0);
      return;
    case 39: // LDRB_REG
      core.cycles += 1;
      r[op & 7] = bus.read8((r[(op >>> 3) & 7] + r[(op >>> 6) & 7]) >>> 0);
      return;
    case 40: // LDRSH_REG
      core.cycles += 1;
      r[op & 7] = (bus.read16((r[(op >>> 3) & 7] + r[(op >>> 6) & 7]) >>> 0) << 16) >> 16;
      return;
    case 41: // STR_IMM
      core.cycles += 1;
      bus.write32((r[(op >>> 3) & 7] + ((op >>> 4) & 0x7c)) >>> 0, r[op & 7]);
      return;
    case 42: // LDR_IMM
      core.cycles += 1;
      r[op & 7] = bus.read32((r[(op >>> 3) & 7] + ((op >>> 4) & 0x7c)) >>> 0);
      return;
    case 43: // STRB_IMM
      core.cycles += 1;
      bus.write8((r[(op >>> 3) & 7] + ((op >>> 6) & 0x1f)) >>> 0, r[op & 7]);
      return;
    case 44: // LDRB_IMM
      core.cycles += 1;
      r[op & 7] = bus.read8((r[(op >>> 3) & 7] + ((op >>> 6) & 0x1f)) >>> 0);
      return;
    case 45: // STRH_IMM
      core.cycles += 1;
      bus.write16((r[(op >>> 3) & 7] + ((op >>> 5) & 0x3e)) >>> 0, r[op & 7]);
      return;
    case 46: // LDRH_IMM
      core.cycles += 1;
      r[op & 7] = bus.read16((r[(op >>> 3) & 7] + ((op >>> 5) & 0x3e)) >>> 0);
      return;
    case 47: // STR_SP
      core.cycles += 1;
      bus.write32((r[13] + ((op & 0xff) << 2)) >>> 0, r[(op >>> 8) & 7]);
      return;
    case 48: // LDR_SP
      core.cycles += 1;
      r[(op >>> 8) & 7] = bus.read32((r[13] + ((op & 0xff) << 2)) >>> 0);
      return;
    case 49: // ADR
      r[(op >>> 8) & 7] = ((pc + 4) & ~3) + ((op & 0xff) << 2);
      return;
    case 50: // ADD_RD_SP
      r[(op >>> 8) & 7] = r[13] + ((op & 0xff) << 2);
      return;
    case 51: // ADD_SP
      r[13] += (op & 0x7f) << 2;
      return;
    case 52: // SUB_SP
      r[13] -= (op & 0x7f) << 2;
      return;
    case 53: // SXTH
      r[op & 7] = (r[(op >>> 3) & 7] << 16) >> 16;
      return;
    case 54: // SXTB
      r[op & 7] = (r[(op >>> 3) & 7] << 24) >> 24;
      return;
    case 55: // UXTH
      r[op & 7] = r[(op >>> 3) & 7] & 0xffff;
      return;
    case 56: // UXTB
      r[op & 7] = r[(op >>> 3) & 7] & 0xff;
      return;
    case 73: // B_COND
      if (conditionHolds(core, (op >>> 8) & 15)) {
        core.cycles += 1;
        r[15] = pc + 4 + ((op << 24) >> 23);
      }
      return;
    case 74: // B
      core.cycles += 1;
      r[15] = pc + 4 + ((op << 21) >> 20);
      return;
    default:
      executeRare(core, op, pc);
  }
}

function conditionHolds(core, condition) {
  switch (condition) {
    case 0:
      return core.z === 0;
    case 1:
      return core.z !== 0;
    case 2:
      return core.c !== 0;
    case 3:
      return core.c === 0;
    case 4:
      return core.n < 0;
    case 5:
      return core.n >= 0;
    case 6:
      return core.v !== 0;
    case 7:
      return core.v === 0;
    case 8:
      return core.c !== 0 && core.z !== 0;
    case 9:
      return core.c === 0 || core.z === 0;
    case 10:
      return core.n < 0 === (core.v !== 0);
    case 11:
      return core.n < 0 !== (core.v !== 0);
    case 12:
      return core.z !== 0 && core.n < 0 === (core.v !== 0);
    default:
      return core.z === 0 || core.n < 0 !== (core.v !== 0);
  }
}
