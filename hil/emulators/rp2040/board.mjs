/** The Pico: an RP2040, its flash, and what of its state lives through which reset. */
import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { EmulatedBoard, fillWithNoise } from '../common/board.mjs';
import { hex } from '../common/stop.mjs';
import { Chip, FLASH_BYTES, SRAM_BYTES } from './chip.mjs';
import { executeInstruction } from './execute.mjs';
import { REASON_FORCE } from './timers.mjs';

const PSM_PROC0 = 1 << 15; // datasheet 2.12.4
const SCRATCH_REGISTERS = 8;

export class Board extends EmulatedBoard {
  /**
   * @param {object} options
   * @param {Uint8Array} options.image flat, from 0x10000000; or null when the flash file has it
   * @param {string | null} options.flashFile where the flash is kept between runs
   * @param {boolean} options.xipModelled
   * @param {boolean} options.usbModelled
   * @param {string} options.description
   * @param {Uint8Array} options.uid
   * @param {object[]} lines see EmulatedBoard
   * @param {object} events see EmulatedBoard
   */
  constructor(options, lines, events) {
    super(lines, events);
    this.options = options;
    this.flash = loadFlash(options);
    this.sram = new Uint8Array(SRAM_BYTES);
    this.chipResetCause = 'power';
    this.scratch = new Uint32Array(SCRATCH_REGISTERS);
    this.watchdogReason = 0;
    this.reset('power');
  }

  /**
   * @param {"power" | "pin" | "watchdog" | "software"} cause power fills SRAM with noise; the others keep it. A
   *   watchdog or software reset keeps the watchdog's scratch registers and the chip-level reset cause
   *   (datasheet 2.12, 4.7).
   */
  makeChip(cause) {
    if (cause === 'power' || cause === 'pin') {
      this.chipResetCause = cause;
      this.scratch.fill(0);
      this.watchdogReason = 0;
    }
    if (cause === 'power') {
      fillWithNoise(this.sram);
    }
    const chip = new Chip({
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
    chip.onResetRequest = (requested) => (this.pendingReset = requested);
    chip.watchdog.onFire = (reason) => this.watchdogFired(reason);
    return chip;
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

  stopReport() {
    const { core } = this.chip;
    const [pc, lr, sp] = [hex(core.PC - 2), hex(core.LR), hex(core.SP)];
    return { place: `pc ${pc} (lr ${lr})`, pc, lr, sp };
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
