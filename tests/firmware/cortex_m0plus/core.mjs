/**
 * Runs plans on an emulated Cortex-M0+ without the board around it.
 *
 *     node core.mjs IMAGE JOBS
 *
 * JOBS is a JSON list of { plan, arena, flash }: file with the plan, file with the arena's bytes at the start
 * (overwritten with those at the end), flash model "zero-wait" or "xip". Prints a JSON list of
 * { result, cycles, ops, stack } or { error }: the code of jr_load, the cycles of jr_run and of every op in it, and the
 * deepest stack in bytes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { RP2040 } from '../../../hil/emulators/node_modules/rp2040js/dist/esm/index.js';
import { XIP_CACHED, XIP_ZERO_WAIT, XipCache } from '../../../hil/emulators/rp2040/xip.mjs';

const FLASH = 0x10000000;
const FLASH_BYTES = 2 * 1024 * 1024;
const PLAN_OFFSET = 0x80000;
const SRAM = 0x20000000;
const SRAM_BYTES = 264 * 1024;
const STACK_TOP = 0x20004000;
const STACK_BYTES = 8192;
const ARENA_OFFSET = 0x10000;
const GUARD_BYTES = 16;
const FILL = 0xa5;
const MISS_CYCLES = 56;
const CYCLE_LIMIT = 2e9;

class Fault extends Error {}

/** Flash and SRAM, nothing else; misaligned, unmapped and flash stores fault, as on the part. */
class Memory {
  constructor(core) {
    this.core = core;
    const flash = new ArrayBuffer(FLASH_BYTES);
    const sram = new ArrayBuffer(SRAM_BYTES);
    this.flash = [new Uint8Array(flash), new Uint16Array(flash), new Uint32Array(flash)];
    this.sram = [new Uint8Array(sram), new Uint16Array(sram), new Uint32Array(sram)];
    this.xip = null;
  }

  read(address, size) {
    address >>>= 0;
    this.requireAligned(address, size);
    const offset = address - SRAM;
    if (offset >= 0 && offset < SRAM_BYTES) {
      return this.sram[size][offset >>> size];
    }
    if (address >= FLASH && address < FLASH + FLASH_BYTES) {
      if (this.xip.mode === XIP_CACHED) {
        this.core.cycles += this.xip.waitCycles(address);
      }
      return this.flash[size][(address - FLASH) >>> size];
    }
    throw new Fault(`read from ${address.toString(16)}`);
  }

  write(address, value, size) {
    address >>>= 0;
    this.requireAligned(address, size);
    const offset = address - SRAM;
    if (offset < 0 || offset >= SRAM_BYTES) {
      throw new Fault(`store to ${address.toString(16)}`);
    }
    this.sram[size][offset >>> size] = value;
  }

  requireAligned(address, size) {
    if (address & ((1 << size) - 1)) {
      throw new Fault(`misaligned access to ${address.toString(16)}`);
    }
  }
}

const rp2040 = new RP2040();
const core = rp2040.core;
const memory = new Memory(core);
core.readUint8 = (address) => memory.read(address, 0);
core.readUint16 = (address) => memory.read(address, 1);
core.readUint32 = (address) => memory.read(address, 2);
core.writeUint8 = (address, value) => memory.write(address, value, 0);
core.writeUint16 = (address, value) => memory.write(address, value, 1);
core.writeUint32 = (address, value) => memory.write(address, value, 2);
let breakpoint = -1;
rp2040.onBreak = (code) => {
  breakpoint = code;
};

function run(job) {
  const plan = readFileSync(job.plan);
  const arena = readFileSync(job.arena);
  const sram = memory.sram[0];
  memory.flash[0].fill(0xff, PLAN_OFFSET);
  memory.flash[0].set(plan, PLAN_OFFSET);
  sram.fill(FILL);
  sram.set(arena, ARENA_OFFSET);
  memory.xip = new XipCache(job.flash === 'xip');
  memory.xip.mode = job.flash === 'xip' ? XIP_CACHED : XIP_ZERO_WAIT;
  memory.xip.lineCycles = MISS_CYCLES;
  core.registers.fill(0);
  core.SP = STACK_TOP;
  core.PC = FLASH;
  core.registers[0] = plan.length;
  core.registers[1] = arena.length;
  core.cycles = 0;
  const answer = { result: 0, cycles: 0, ops: [] };
  let opStart = 0;
  let runStart = 0;
  for (;;) {
    breakpoint = -1;
    core.executeInstruction();
    if (core.cycles > CYCLE_LIMIT) {
      throw new Fault('endless');
    }
    if (breakpoint < 0) {
      continue;
    }
    core.cycles -= 1; // a breakpoint is not part of what is measured
    if (breakpoint === 1) {
      opStart = core.cycles;
    } else if (breakpoint === 2) {
      answer.ops.push(core.cycles - opStart);
    } else if (breakpoint === 3) {
      runStart = core.cycles;
    } else if (breakpoint === 4) {
      answer.cycles = core.cycles - runStart;
    } else {
      break;
    }
  }
  answer.result = core.registers[0] | 0;
  const stack = sram.subarray(STACK_TOP - SRAM - STACK_BYTES, STACK_TOP - SRAM);
  answer.stack = STACK_BYTES - stack.findIndex((byte) => byte !== FILL);
  const end = ARENA_OFFSET + arena.length;
  const guards = [sram.subarray(ARENA_OFFSET - GUARD_BYTES, ARENA_OFFSET), sram.subarray(end, end + GUARD_BYTES)];
  if (guards.some((guard) => guard.some((byte) => byte !== FILL))) {
    throw new Fault('a store beside the arena');
  }
  writeFileSync(job.arena, sram.subarray(ARENA_OFFSET, end));
  return answer;
}

const [image, jobs] = process.argv.slice(2);
memory.flash[0].set(readFileSync(image));
const answers = JSON.parse(readFileSync(jobs, 'utf8')).map((job) => {
  try {
    return run(job);
  } catch (error) {
    if (!(error instanceof Fault)) {
      throw error;
    }
    return { error: `${error.message}, PC ${core.PC.toString(16)}` };
  }
});
console.log(JSON.stringify(answers));
