/**
 * One instruction of the Cortex-M0+: its effect (ARMv6-M reference manual, A6.7) and its cycles (Cortex-M0+ TRM,
 * table 3-1). Wait states are added by the bus.
 */
import { DECODE } from './decode.mjs';
import { StopRun } from './stop.mjs';

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
      executeOther(core, op, pc);
  }
}

/** What is rarer, kept apart so that the common part stays small enough to be compiled well. */
function executeOther(core, op, pc) {
  const { r, bus } = core;
  switch (DECODE[op]) {
    case 75: // WIDE
      executeWide(core, op, bus.fetch16((pc + 2) >>> 0), pc);
      return;
    case 27: // ADD_HIGH
    case 29: { // MOV_HIGH
      const destination = ((op >>> 4) & 8) | (op & 7);
      const source = (op >>> 3) & 15;
      const value = source === 15 ? pc + 4 : r[source];
      const base = op >>> 8 === 0x46 ? 0 : destination === 15 ? pc + 4 : r[destination];
      const result = base + value;
      if (destination === 15) {
        core.cycles += 1;
        r[15] = result & ~1;
      } else {
        r[destination] = destination === 13 ? result & ~3 : result;
      }
      return;
    }
    case 28: // CMP_HIGH
      subtract(core, r[((op >>> 4) & 8) | (op & 7)], r[(op >>> 3) & 15]);
      return;
    case 30: // BX
      core.cycles += 1;
      core.interwork(core.registers[(op >>> 3) & 15], 'the target of bx');
      return;
    case 31: { // BLX
      const target = core.registers[(op >>> 3) & 15];
      core.cycles += 1;
      r[14] = (pc + 2) | 1;
      core.branchTo(target, 'the target of blx');
      return;
    }
    case 57: { // PUSH
      const list = op & 0x1ff;
      const count = countBits(list);
      let address = (r[13] - 4 * count) >>> 0;
      r[13] = address;
      core.cycles += count;
      for (let index = 0; index < 8; index++) {
        if (list & (1 << index)) {
          bus.write32(address, r[index]);
          address += 4;
        }
      }
      if (list & 0x100) {
        bus.write32(address, r[14]);
      }
      return;
    }
    case 63: { // POP
      let address = core.registers[13];
      for (let index = 0; index < 8; index++) {
        if (op & (1 << index)) {
          r[index] = bus.read32(address);
          address += 4;
        }
      }
      core.cycles += countBits(op & 0xff);
      if (op & 0x100) {
        const target = bus.read32(address);
        r[13] = address + 4;
        core.cycles += 3;
        core.interwork(target, 'the return address popped');
      } else {
        r[13] = address;
      }
      return;
    }
    case 70: { // LDM
      const base = (op >>> 8) & 7;
      let address = core.registers[base];
      for (let index = 0; index < 8; index++) {
        if (op & (1 << index)) {
          r[index] = bus.read32(address);
          address += 4;
        }
      }
      core.cycles += countBits(op & 0xff);
      if (!(op & (1 << base))) {
        r[base] = address;
      }
      return;
    }
    case 69: { // STM
      const base = (op >>> 8) & 7;
      let address = core.registers[base];
      for (let index = 0; index < 8; index++) {
        if (op & (1 << index)) {
          bus.write32(address, r[index]);
          address += 4;
        }
      }
      core.cycles += countBits(op & 0xff);
      r[base] = address;
      return;
    }
    case 60: { // REV
      const value = r[(op >>> 3) & 7];
      r[op & 7] =
        (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
      return;
    }
    case 61: { // REV16
      const value = r[(op >>> 3) & 7];
      r[op & 7] = ((value & 0x00ff00ff) << 8) | ((value >>> 8) & 0x00ff00ff);
      return;
    }
    case 62: { // REVSH
      const value = r[(op >>> 3) & 7];
      r[op & 7] = ((value << 24) >> 16) | ((value >>> 8) & 0xff);
      return;
    }
    case 58: // CPSIE
      core.primask = false;
      core.interruptsUpdated = true;
      return;
    case 59: // CPSID
      core.primask = true;
      return;
    case 68: // NOP
      return;
    case 65: // WFE
      core.cycles += 1;
      if (core.eventRegistered) {
        core.eventRegistered = false;
      } else {
        core.waiting = true;
      }
      return;
    case 66: // WFI
      core.cycles += 1;
      core.waiting = true;
      return;
    case 67: // SEV
      core.eventRegistered = true;
      return;
    case 72: // SVC
      core.supervisorCall();
      return;
    case 64: // BKPT
      core.onBreakpoint(op & 0xff, pc >>> 0);
      return;
    case 71: // UDF
      throw new StopRun('undefined', `udf #${op & 0xff}: a HardFault`);
  }
  throw new StopRun('undefined', `0x${op.toString(16)} is not an instruction: a HardFault`);
}

/** The 32-bit instructions of ARMv6-M, A5.3. */
function executeWide(core, op, op2, pc) {
  const { r } = core;
  r[15] = pc + 4;
  core.cycles += 2;
  if ((op2 & 0xd000) === 0xd000) {
    const s = (op >>> 10) & 1;
    const i1 = ((op2 >>> 13) & 1) ^ s ^ 1;
    const i2 = ((op2 >>> 11) & 1) ^ s ^ 1;
    const offset =
      (s ? 0xff000000 : 0) | (i1 << 23) | (i2 << 22) | ((op & 0x3ff) << 12) | ((op2 & 0x7ff) << 1);
    r[14] = (pc + 4) | 1;
    r[15] = pc + 4 + offset;
  } else if (op === 0xf3bf && (op2 & 0xffc0) === 0x8f40 && (op2 & 0x30) !== 0x30) {
    return; // dsb, dmb, isb: this core does nothing out of order
  } else if (op === 0xf3ef && op2 >>> 12 === 8) {
    r[(op2 >>> 8) & 15] = core.readSpecial(op2 & 0xff);
  } else if (op >>> 4 === 0xf38 && op2 >>> 8 === 0x88) {
    core.writeSpecial(op2 & 0xff, core.registers[op & 15]);
  } else {
    throw new StopRun(
      'undefined',
      `0x${op.toString(16)} 0x${op2.toString(16)} is not an instruction of this core: a HardFault`,
    );
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

function add(core, a, b) {
  const result = (a + b) | 0;
  core.c = result >>> 0 < a >>> 0 ? 1 : 0;
  core.v = ((a ^ result) & (b ^ result)) >>> 31;
  core.n = core.z = result;
  return result;
}

function subtract(core, a, b) {
  const result = (a - b) | 0;
  core.c = a >>> 0 >= b >>> 0 ? 1 : 0;
  core.v = ((a ^ b) & (a ^ result)) >>> 31;
  core.n = core.z = result;
  return result;
}

function addWithCarry(core, a, b) {
  const sum = (a >>> 0) + (b >>> 0) + core.c;
  const result = sum | 0;
  core.c = sum > 0xffffffff ? 1 : 0;
  core.v = ((a ^ result) & (b ^ result)) >>> 31;
  core.n = core.z = result;
  return result;
}

function countBits(list) {
  let count = 0;
  for (let rest = list; rest !== 0; rest &= rest - 1) {
    count++;
  }
  return count;
}
