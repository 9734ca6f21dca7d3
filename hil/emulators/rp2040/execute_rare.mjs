/** The rarer instructions, kept apart so that `execute.mjs` stays small enough to be compiled well. */
import { subtract } from './arithmetic.mjs';
import { DECODE } from './decode.mjs';
import { StopRun } from '../common/stop.mjs';

/**
 * @param {import('./core.mjs').Core} core
 * @param {number} op the halfword
 * @param {number} pc its address
 */
export function executeRare(core, op, pc) {
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

function countBits(list) {
  let count = 0;
  for (let rest = list; rest !== 0; rest &= rest - 1) {
    count++;
  }
  return count;
}
