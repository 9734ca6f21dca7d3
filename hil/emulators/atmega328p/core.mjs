/**
 * The AVR core: avr8js's, with what it forgives or gets wrong replaced.
 *
 * Its instructions are executed one at a time by avr8js, except for the kinds of `decode.mjs`. Interrupts are taken
 * here: entry takes four cycles (section 7.7.1), four more out of sleep, and the instruction after SEI or RETI comes
 * first (7.7). Accesses that the part has no memory for, and I/O registers that are not modelled, end the run.
 *
 * Section numbers in this folder are those of the ATmega48A/PA/88A/PA/168A/PA/328/P data sheet, DS40002061.
 */
import avr8js from 'avr8js';
import { StopRun, hex } from '../common/stop.mjs';
import { add, multiplyFraction, subtract, subtractWord } from './arithmetic.mjs';
import { decode } from './decode.mjs';

const { CPU, avrInstruction } = avr8js;

export const FLASH_BYTES = 32 * 1024;
export const SRAM_START = 0x100;
export const SRAM_BYTES = 2048;
export const RAMEND = SRAM_START + SRAM_BYTES - 1; // 0x8ff
/** Words that 16 bits of PC can name: what lies beyond the flash is seen when it is fetched. */
const PC_WORDS = 0x10000;
const ENTRY_CYCLES = 4;
const WAKE_CYCLES = 4;
const I = 0x80;

const SMCR = 0x53;
const SPL = 0x5d;
const SREG = 0x5f;
const PRR = 0x64;
const SMCR_SE = 1;

export class Core extends CPU {
  /** @param {Uint8Array} flash FLASH_BYTES */
  constructor(flash) {
    const program = new Uint16Array(PC_WORDS).fill(0xffff);
    new Uint8Array(program.buffer).set(flash);
    super(program, SRAM_BYTES);
    this.kinds = decode(program, FLASH_BYTES / 2);
    this.waiting = false;
    /** The next instruction comes before any interrupt. */
    this.held = false;
    /** One bit a vector, by its number from 0. */
    this.interruptLines = 0;
    this.acknowledge = [];
    this.readIo = new Array(SRAM_START).fill(null);
    this.writeIo = new Array(SRAM_START).fill(null);
    /** Bit of PRR that switches an I/O register off, or 0. */
    this.powerBit = new Uint8Array(SRAM_START);
    /** Registers without a side effect: 1. */
    this.plain = new Uint8Array(SRAM_START).fill(1, 0, 32);
    this.plain.fill(1, SPL, SREG + 1);
  }

  /** An enabled interrupt is there to end a sleep. */
  get wakes() {
    return this.interruptLines !== 0 && (this.data[SREG] & I) !== 0;
  }

  /**
   * Makes an I/O register.
   * @param {number} address in data space
   * @param {{ read?: () => number, write?: (value: number, mask: number) => void, powerBit?: number }} register without
   *   `read` the last value written; `mask`: the bits an instruction means, all but for SBI and CBI
   */
  define(address, { read, write, powerBit = 0 }) {
    this.readIo[address] = read ?? (() => this.data[address]);
    this.writeIo[address] = write ?? null;
    this.powerBit[address] = powerBit;
  }

  /** Makes an I/O register that only remembers. */
  definePlain(...addresses) {
    addresses.forEach((address) => (this.plain[address] = 1));
  }

  /** @param {number} vector @param {boolean} level */
  setInterrupt(vector, level) {
    if (level) {
      this.interruptLines |= 1 << vector;
    } else {
      this.interruptLines &= ~(1 << vector);
    }
  }

  // Data space: called by avr8js for every load, store, IN and OUT.

  readData(address) {
    if (address >= SRAM_START) {
      if (address > RAMEND) {
        throw new StopRun('unmapped', `read from ${at(address)}, beyond RAMEND (${at(RAMEND)})`);
      }
      return this.data[address];
    }
    if (this.plain[address] === 1) {
      return this.data[address];
    }
    const read = this.register(this.readIo, address, 'read from');
    return read();
  }

  writeData(address, value, mask = 0xff) {
    if (address >= SRAM_START) {
      if (address > RAMEND) {
        throw new StopRun('unmapped', `write to ${at(address)}, beyond RAMEND (${at(RAMEND)})`);
      }
      this.data[address] = value;
    } else if (this.plain[address] === 1) {
      this.data[address] = value;
    } else {
      this.register(this.writeIo, address, 'write to')(value, mask);
    }
  }

  register(table, address, what) {
    const access = table[address];
    if (access === null || access === undefined) {
      throw new StopRun('unmodelled', `${what} I/O address ${at(address)}, which is reserved or not modelled`);
    }
    if (this.powerBit[address] & this.data[PRR]) {
      throw new StopRun('powered-down', `${what} I/O address ${at(address)}, which PRR has switched off`);
    }
    return access;
  }

  // Execution.

  /** One instruction, or the entry into an interrupt. */
  step() {
    if (this.interruptLines !== 0 && (this.data[SREG] & I) !== 0 && !this.held) {
      this.takeInterrupt();
      return;
    }
    this.held = false;
    const kind = this.kinds[this.pc];
    if (kind === 0) {
      avrInstruction(this);
    } else {
      this.executeSpecial(kind, this.progMem[this.pc]);
    }
  }

  takeInterrupt() {
    const vector = 31 - Math.clz32(this.interruptLines & -this.interruptLines); // the lowest comes first
    this.checkPush(2);
    const { SP, pc } = this;
    this.data[SP] = pc;
    this.data[SP - 1] = pc >>> 8;
    this.SP = SP - 2;
    this.data[SREG] &= ~I;
    this.cycles += this.waiting ? ENTRY_CYCLES + WAKE_CYCLES : ENTRY_CYCLES;
    this.waiting = false;
    this.pc = 2 * vector;
    this.acknowledge[vector]?.();
  }

  /** The kinds of decode.mjs, as literals: only these make a jump table of the switch. */
  executeSpecial(kind, opcode) {
    const { data } = this;
    const d = (opcode >>> 4) & 0x1f;
    switch (kind) {
      case 1: // UNDEFINED
        throw new StopRun('undefined', `${hex(opcode, 4)} is no instruction of the ATmega328P`);
      case 3: // SPM
        throw new StopRun('spm', 'spm: only a boot loader can program flash, and there is no boot loader here');
      case 4: // BREAK
        throw new StopRun('break', 'break: no debugger is attached');
      case 5: // SLEEP
        this.sleep();
        avrInstruction(this);
        return;
      case 6: // SET_FLAG
        this.held = opcode === 0x9478 && (data[SREG] & I) === 0;
        avrInstruction(this);
        return;
      case 7: // PUSH
        this.checkPush(1);
        avrInstruction(this);
        return;
      case 8: // POP
        this.checkPop(1);
        avrInstruction(this);
        return;
      case 9: // CALL
        this.checkPush(2);
        avrInstruction(this);
        return;
      case 10: // RET
        this.checkPop(2);
        avrInstruction(this);
        return;
      case 11: // RETI
        this.checkPop(2);
        this.held = true;
        avrInstruction(this);
        return;
      case 12: // LPM
        if (data[31] >= FLASH_BYTES >>> 8) {
          throw new StopRun('unmapped', `lpm from ${at(data[30] | (data[31] << 8))}, beyond the flash`);
        }
        avrInstruction(this);
        return;
      case 13: // CBI takes two cycles (Instruction Set Summary), one in avr8js
        avrInstruction(this);
        this.cycles += 1;
        return;
      case 14: // ADD
        data[d] = add(data, data[d], data[sourceOf(opcode)], 0);
        break;
      case 15: // ADC
        data[d] = add(data, data[d], data[sourceOf(opcode)], data[SREG] & 1);
        break;
      case 16: // SUB
        data[d] = subtract(data, data[d], data[sourceOf(opcode)], 0, false);
        break;
      case 17: // SBC
        data[d] = subtract(data, data[d], data[sourceOf(opcode)], data[SREG] & 1, true);
        break;
      case 18: // SUBI
        data[16 | (d & 15)] = subtract(data, data[16 | (d & 15)], constantOf(opcode), 0, false);
        break;
      case 19: // SBCI
        data[16 | (d & 15)] = subtract(data, data[16 | (d & 15)], constantOf(opcode), data[SREG] & 1, true);
        break;
      case 20: // CP
        subtract(data, data[d], data[sourceOf(opcode)], 0, false);
        break;
      case 21: // CPC
        subtract(data, data[d], data[sourceOf(opcode)], data[SREG] & 1, true);
        break;
      case 22: // CPI
        subtract(data, data[16 | (d & 15)], constantOf(opcode), 0, false);
        break;
      case 23: // NEG
        data[d] = subtract(data, 0, data[d], 0, false);
        break;
      case 24: // SBIW
        subtractWord(data, opcode);
        this.cycles += 1;
        break;
      case 25: // FMULSU
        multiplyFraction(data, opcode);
        this.cycles += 1;
        break;
      default: // OUTSIDE, or a PC below 0
        throw new StopRun('unmapped', `the program leaves the flash at ${at(this.pc * 2)}`);
    }
    this.pc += 1;
    this.cycles += 1;
  }

  /** Section 10.1: without SE the instruction does nothing; of the modes only idle is modelled. */
  sleep() {
    const mode = this.data[SMCR];
    if (mode & ~SMCR_SE) {
      throw new StopRun('unmodelled', `sleep with SMCR ${hex(mode, 2)}: only idle mode is modelled`);
    }
    this.waiting = (mode & SMCR_SE) !== 0;
  }

  checkPush(bytes) {
    const { SP } = this;
    if (SP > RAMEND || SP - bytes + 1 < SRAM_START) {
      throw new StopRun('stack', `the stack grows out of SRAM: SP is ${at(SP)}`);
    }
  }

  checkPop(bytes) {
    const { SP } = this;
    if (SP + bytes > RAMEND || SP + 1 < SRAM_START) {
      throw new StopRun('stack', `more is taken from the stack than was put there: SP is ${at(SP)}`);
    }
  }
}

const at = (address) => hex(address, 4);
const sourceOf = (opcode) => (opcode & 0xf) | ((opcode >>> 5) & 0x10);
const constantOf = (opcode) => (opcode & 0xf) | ((opcode >>> 4) & 0xf0);
