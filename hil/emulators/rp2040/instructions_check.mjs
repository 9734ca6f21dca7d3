/**
 * Compares one instruction at a time with rp2040js's own core, on random registers and memory:
 * `node instructions_check.mjs [count] [seed]`. Prints the number compared; exits 1 at the first difference.
 *
 * Left out is where the two differ on purpose, and rp2040js is wrong: the carry of shifts by a register that holds 0 or
 * more than 32, the overflow of ADC and SBC at their extremes, the cycles of PUSH {LR} and POP {PC}; and what is
 * unpredictable or has an effect outside the core.
 */
import { RP2040 } from 'rp2040js';
import { Core } from './core.mjs';
import { DECODE, OP } from './decode.mjs';
import { executeInstruction } from './execute.mjs';

const SRAM_BASE = 0x20000000;
const CODE = 0x20001000;
const DATA = 0x20008000;
const DATA_BYTES = 1024;
const LEFT_OUT = new Set([OP.BKPT, OP.UDF, OP.SVC, OP.WFI, OP.WFE, OP.SEV, OP.NOP, OP.UNDEFINED]);
const SHIFTS = new Set([OP.LSL_REG, OP.LSR_REG, OP.ASR_REG, OP.ROR]);
const INTERESTING = [0, 1, -1, 0x7fffffff, -0x80000000, 0x80, 0xff, 0x7f, 0x8000, 0xffff, 31, 32];

function generator(seed) {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A bus of SRAM alone, for an ordinary Core. */
function sramBus(sram) {
  const view = new DataView(sram.buffer);
  const at = (address) => address - SRAM_BASE;
  return {
    sram16: new Uint16Array(sram.buffer),
    xip: { fetchLine: -1 },
    fetch16: (address) => view.getUint16(at(address), true),
    read32: (address) => view.getUint32(at(address), true),
    read16: (address) => view.getUint16(at(address), true),
    read8: (address) => view.getUint8(at(address)),
    write32: (address, value) => view.setUint32(at(address), value, true),
    write16: (address, value) => view.setUint16(at(address), value, true),
    write8: (address, value) => view.setUint8(at(address), value),
  };
}

function comparable(op, op2) {
  const kind = DECODE[op];
  if (LEFT_OUT.has(kind)) {
    return false;
  }
  if (kind === OP.WIDE) {
    return (op2 & 0xd000) === 0xd000; // BL
  }
  const list = op & 0xff;
  if (kind === OP.PUSH || kind === OP.POP) {
    return list !== 0 && !(op & 0x100);
  }
  if (kind === OP.LDM || kind === OP.STM) {
    return list !== 0 && !(list & (1 << ((op >>> 8) & 7)));
  }
  if (kind === OP.BX || kind === OP.BLX || kind === OP.CMP_HIGH) {
    return ((op >>> 3) & 15) < 13 && ((op & 7) | ((op >>> 4) & 8)) !== 15;
  }
  return true;
}

/** Whether rp2040js is known to get this instruction's flags wrong with these operands. */
function knownWrong(op, registers, carry) {
  const kind = DECODE[op];
  const source = registers[(op >>> 3) & 7] >>> 0;
  const destination = registers[op & 7] >>> 0;
  if (SHIFTS.has(kind)) {
    const amount = source & 0xff;
    return amount === 0 || amount > 32;
  }
  if (kind === OP.ADC) {
    return carry === 1 && (destination === 0x7fffffff || destination === 0xffffffff);
  }
  return kind === OP.SBC && carry === 0 && (source === 0x7fffffff || source === 0xffffffff);
}

/** Registers that make every address of `op` fall into the data area, aligned. */
function prepareAddresses(op, registers, random) {
  const kind = DECODE[op];
  const aligned = () => DATA + 256 + random(128) * 4;
  if (kind >= OP.STR_REG && kind <= OP.LDRSH_REG) {
    registers[(op >>> 3) & 7] = aligned();
    registers[(op >>> 6) & 7] = random(32) * 4;
    return ((op >>> 3) & 7) !== ((op >>> 6) & 7);
  }
  if (kind >= OP.STR_IMM && kind <= OP.LDRH_IMM) {
    registers[(op >>> 3) & 7] = aligned();
  } else if (kind === OP.LDM || kind === OP.STM) {
    registers[(op >>> 8) & 7] = aligned();
  } else if (kind === OP.BX || kind === OP.BLX) {
    registers[(op >>> 3) & 15] |= 1;
  }
  return true;
}

function compare(count, seed) {
  const random = generator(seed);
  const theirs = new RP2040();
  theirs.logger = { debug() {}, info() {}, warn() {}, error() {} };
  const sram = new Uint8Array(theirs.sram.length);
  const ours = new Core();
  ours.bus = sramBus(sram);
  const value = () => (random(3) ? random(0x100000000) : INTERESTING[random(INTERESTING.length)]);
  let compared = 0;
  while (compared < count) {
    const op = random(65536);
    const op2 = random(65536);
    const carry = random(2);
    const registers = new Uint32Array(16).map(value);
    registers[13] = DATA + 512;
    registers[15] = CODE;
    if (!comparable(op, op2) || !prepareAddresses(op, registers, random) || knownWrong(op, registers, carry)) {
      continue;
    }
    for (let index = 0; index < DATA_BYTES; index++) {
      sram[DATA - SRAM_BASE + index] = random(256);
    }
    new DataView(sram.buffer).setUint16(CODE - SRAM_BASE, op, true);
    new DataView(sram.buffer).setUint16(CODE - SRAM_BASE + 2, op2, true);
    theirs.sram.set(sram);
    theirs.core.registers.set(registers);
    ours.registers.set(registers);
    const flags = (random(8) << 28) >>> 0;
    theirs.core.APSR = flags;
    ours.apsr = flags;
    theirs.core.C = carry === 1;
    ours.c = carry;
    theirs.core.cycles = ours.cycles = 0;
    theirs.core.executeInstruction();
    executeInstruction(ours);
    const state = (core, apsr) => [...core.registers, apsr >>> 0, core.cycles].map((n) => n.toString(16)).join(' ');
    const expected = state(theirs.core, theirs.core.APSR);
    const actual = state(ours, ours.apsr);
    const sameMemory = Buffer.compare(
      theirs.sram.subarray(DATA - SRAM_BASE, DATA - SRAM_BASE + DATA_BYTES),
      sram.subarray(DATA - SRAM_BASE, DATA - SRAM_BASE + DATA_BYTES),
    );
    if (expected !== actual || sameMemory !== 0) {
      process.stdout.write(
        `0x${op.toString(16)} 0x${op2.toString(16)} on ${[...registers].map((n) => n.toString(16)).join(' ')}\n` +
          `rp2040js: ${expected}\nhere:     ${actual}\nmemory ${sameMemory === 0 ? 'equal' : 'differs'}\n`,
      );
      process.exit(1);
    }
    compared++;
  }
  process.stdout.write(`${compared} instructions equal\n`);
}

compare(Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 1));
