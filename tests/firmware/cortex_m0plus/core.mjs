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
import { Bus } from '../../../hil/emulators/rp2040/bus.mjs';
import { Core } from '../../../hil/emulators/rp2040/core.mjs';
import { executeInstruction } from '../../../hil/emulators/rp2040/execute.mjs';
import { StopRun } from '../../../hil/emulators/common/stop.mjs';
import { XipCache } from '../../../hil/emulators/rp2040/xip.mjs';

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
const MISS_CYCLES = 56; // of the Pico's second stage: xip.mjs
const CYCLE_LIMIT = 2e9;
const BREAKPOINT_CYCLES = 1;

// The core with memory alone: an access to anything else stops the run, as does a misaligned one.
const core = new Core();
const sram = new Uint8Array(SRAM_BYTES);
const flash = new Uint8Array(FLASH_BYTES).fill(0xff);
const noRom = { bytes: new Uint8Array(0x4000) };
let breakpoint = -1;
core.onBreakpoint = (number) => {
  breakpoint = number;
};

function run(job) {
  const plan = readFileSync(job.plan);
  const arena = readFileSync(job.arena);
  flash.fill(0xff, PLAN_OFFSET);
  flash.set(plan, PLAN_OFFSET);
  sram.fill(FILL);
  sram.set(arena, ARENA_OFFSET);
  const xip = new XipCache(job.flash === 'xip');
  xip.lineCycles = MISS_CYCLES;
  xip.open();
  core.bus = new Bus({ core, xip, sram, flash, rom: noRom });
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
    executeInstruction(core);
    if (core.cycles > CYCLE_LIMIT) {
      throw new StopRun('endless', 'the run does not end');
    }
    if (breakpoint < 0) {
      continue;
    }
    core.cycles -= BREAKPOINT_CYCLES; // not part of what is measured
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
    throw new StopRun('guards', 'a store beside the arena');
  }
  writeFileSync(job.arena, sram.subarray(ARENA_OFFSET, end));
  return answer;
}

const [image, jobs] = process.argv.slice(2);
flash.set(readFileSync(image));
const answers = JSON.parse(readFileSync(jobs, 'utf8')).map((job) => {
  try {
    return run(job);
  } catch (error) {
    if (!(error instanceof StopRun)) {
      throw error;
    }
    return { error: `${error.message}, PC ${core.PC.toString(16)}` };
  }
});
console.log(JSON.stringify(answers));
