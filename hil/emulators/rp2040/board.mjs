/**
 * The board: a chip, its flash, its power and reset pins, and the loop that runs it.
 *
 * Time. A busy core runs as fast as the host can. A core that waits (WFI, WFE) with characters on the line jumps to the next event;
 * with a silent line it sleeps with the host until the event is due by the wall clock, so an idle board costs no CPU.
 * A periodic tick does not wake the host each time: emulated time is caught up with in steps of IDLE_STEP_MS.
 */
import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { executeInstruction } from './execute.mjs';
import { Chip, FLASH_BYTES, SRAM_BYTES } from './chip.mjs';
import { StopRun, hex } from './stop.mjs';
import { REASON_FORCE } from './timers.mjs';

/** Cycles between two looks at the sockets: some ten milliseconds of host time. */
const SLICE_CYCLES = 200_000;
const IDLE_STEP_MS = 20;
const IDLE_LIMIT_MS = 1000;
const BOOT_LIMIT_NANOS = 500e6;
const PSM_PROC0 = 1 << 15; // datasheet 2.12.4
const SCRATCH_REGISTERS = 8;

export class Board {
  /**
   * @param {object} options
   * @param {Uint8Array} options.image flat, from 0x10000000; or null when the flash file has it
   * @param {string | null} options.flashFile where the flash is kept between runs
   * @param {boolean} options.xipModelled
   * @param {boolean} options.usbModelled
   * @param {string} options.description
   * @param {Uint8Array} options.uid
   * @param {object[]} lines what is connected: `attach(chip)`, `ready`, `busy`, `flush()`
   * @param {{ warn: (message: string) => void, onReset: (cause: string) => void, onStop: (report: object) => void }} events
   */
  constructor(options, lines, events) {
    this.options = options;
    this.lines = lines;
    this.events = events;
    this.flash = loadFlash(options);
    this.sram = new Uint8Array(SRAM_BYTES);
    this.stopped = false;
    this.pendingReset = null;
    this.chipResetCause = 'power';
    this.scratch = new Uint32Array(SCRATCH_REGISTERS);
    this.watchdogReason = 0;
    this.emulatedCycles = 0;
    this.wake = null;
    this.idleSince = 0;
    this.reset('power');
  }

  /**
   * @param {"power" | "pin" | "watchdog" | "software"} cause power fills SRAM with noise; the others keep it. A
   *   watchdog or software reset keeps the watchdog's scratch registers and the chip-level reset cause
   *   (datasheet 2.12, 4.7).
   */
  reset(cause) {
    if (cause === 'power' || cause === 'pin') {
      this.chipResetCause = cause;
      this.scratch.fill(0);
      this.watchdogReason = 0;
    }
    if (cause === 'power') {
      fillWithNoise(this.sram);
    }
    this.emulatedCycles += this.chip ? this.chip.core.cycles : 0;
    this.chip = new Chip({
      flash: this.flash,
      sram: this.sram,
      xipModelled: this.options.xipModelled,
      usbModelled: this.options.usbModelled,
      description: this.options.description,
      uid: this.options.uid,
      chipResetCause: this.chipResetCause,
      watchdog: { reason: this.watchdogReason, scratch: this.scratch },
      warn: this.events.warn,
    });
    const { chip } = this;
    chip.onResetRequest = (requested) => (this.pendingReset = requested);
    chip.watchdog.onFire = (reason) => this.watchdogFired(reason);
    this.lines.forEach((line) => line.attach(chip));
    try {
      chip.boot();
    } catch (error) {
      this.stop(error);
    }
    this.events.onReset(cause);
  }

  watchdogFired(reason) {
    const psm = this.chip.rp2040.peripherals[0x40010];
    if (!(psm.wdsel & PSM_PROC0)) {
      const how = reason === REASON_FORCE ? 'triggered' : 'expired';
      this.events.warn(`the watchdog has ${how}, but PSM.WDSEL does not select the processor: no reset`);
      return;
    }
    this.watchdogReason = reason;
    this.pendingReset = 'watchdog';
  }

  /** @returns {boolean} true while the part would still have to boot before it can be talked to */
  get booting() {
    const ready = this.lines.every((line) => line.ready);
    return !this.stopped && !ready && this.chip.clock.nanos < BOOT_LIMIT_NANOS;
  }

  /** Runs until stopped; yields to the host's event loop between slices. */
  async run() {
    this.wallMark = performance.now();
    while (!this.stopped) {
      const idle = this.runSlice(SLICE_CYCLES);
      this.flushLines();
      if (this.stopped) {
        break;
      }
      if (idle) {
        await this.sleep();
      } else {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.flushLines();
  }

  flushLines() {
    this.lines.forEach((line) => line.flush());
  }

  /**
   * @param {number} cycles at least this many, unless the core comes to wait on a silent line
   * @returns {boolean} true when it waits so
   */
  runSlice(cycles) {
    try {
      const end = this.chip.core.cycles + cycles;
      while (this.chip.core.cycles < end) {
        this.execute(end);
        if (this.pendingReset) {
          const cause = this.pendingReset;
          this.pendingReset = null;
          this.reset(cause);
          return false;
        }
        const { core, clock } = this.chip;
        if (core.waiting) {
          if (!this.lines.some((line) => line.busy)) {
            return true;
          }
          core.cycles = Math.max(core.cycles, clock.dueCycles);
          clock.runDue();
        }
      }
    } catch (error) {
      this.stop(error);
    }
    return false;
  }

  /** Instructions until `end`, a reset request, or until the core waits with nothing pending. */
  execute(end) {
    const { core, clock } = this.chip;
    while (core.cycles < end && !this.pendingReset) {
      if (core.waiting) {
        if (!core.wakes) {
          return;
        }
        core.waiting = false;
      }
      if (core.interruptsUpdated) {
        core.takeInterrupt();
      }
      executeInstruction(core);
      if (core.cycles >= clock.dueCycles) {
        clock.runDue();
      }
    }
  }

  /** The core waits and the line is silent: follows the wall clock until something happens. */
  async sleep() {
    const { core, clock } = this.chip;
    const dueMs = ((clock.dueCycles - core.cycles) * 1e3) / clock.frequencyHz;
    const before = performance.now();
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(Math.max(dueMs, IDLE_STEP_MS), IDLE_LIMIT_MS));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
    this.catchUp(((performance.now() - before) / 1e3) * clock.frequencyHz);
  }

  /** Lets emulated time pass with the core mostly waiting, without sleeping in between. */
  catchUp(cycles) {
    const { chip } = this;
    const target = chip.core.cycles + Math.round(cycles);
    try {
      while (this.chip === chip && !this.stopped && !this.pendingReset && chip.core.cycles < target) {
        const { core, clock } = chip;
        if (core.waiting && !core.wakes) {
          core.cycles = Math.max(core.cycles, Math.min(clock.dueCycles, target));
          clock.runDue();
        } else {
          this.execute(Math.min(target, core.cycles + SLICE_CYCLES));
          if (!core.waiting) {
            return; // it has found work: back to the ordinary loop
          }
        }
      }
    } catch (error) {
      this.stop(error);
    }
  }

  /** Something came from outside: a sleeping board looks at it at once. */
  poke() {
    this.wake?.();
  }

  /** @param {"power" | "pin"} cause */
  requestReset(cause) {
    this.pendingReset = cause;
    this.chip.core.waiting = false;
    this.poke();
  }

  /** Ends the run; a StopRun is the board's doing, anything else a bug in here. */
  stop(error) {
    if (!(error instanceof StopRun)) {
      throw error;
    }
    const { core, clock } = this.chip;
    this.stopped = true;
    this.events.onStop({
      kind: error.kind,
      reason: error.message,
      pc: hex(core.PC - 2),
      lr: hex(core.LR),
      sp: hex(core.SP),
      cycles: core.cycles,
      emulatedMs: clock.nanos / 1e6,
    });
  }

  status() {
    const { core, clock, xip } = this.chip;
    return {
      cycles: core.cycles,
      emulatedMs: clock.nanos / 1e6,
      clkSysHz: clock.frequencyHz,
      waiting: core.waiting,
      pc: hex(core.PC),
      xipMisses: xip.misses,
    };
  }

  saveFlash() {
    if (this.options.flashFile) {
      writeFileSync(this.options.flashFile, this.flash);
    }
  }
}

function loadFlash({ image, flashFile }) {
  const flash = new Uint8Array(FLASH_BYTES).fill(0xff);
  if (flashFile && existsSync(flashFile)) {
    flash.set(readFileSync(flashFile).subarray(0, FLASH_BYTES));
  }
  if (image) {
    flash.set(image);
  }
  return flash;
}

/** SRAM at power-on holds no zeros to rely on; a fixed generator, so that runs repeat. */
function fillWithNoise(bytes) {
  let state = 0x2545f491;
  for (let index = 0; index < bytes.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state;
  }
}
