/** The UNO: an ATmega328P, and what of its state lives through which reset. */
import { EmulatedBoard, fillWithNoise } from '../common/board.mjs';
import { hex } from '../common/stop.mjs';
import { Chip, RESET_FLAG } from './chip.mjs';
import { SRAM_BYTES } from './core.mjs';

const GENERAL_REGISTERS = 32;

export class Board extends EmulatedBoard {
  /**
   * @param {{ flash: Uint8Array, description: string }} options
   * @param {object[]} lines see EmulatedBoard
   * @param {object} events see EmulatedBoard
   */
  constructor(options, lines, events) {
    super(lines, events);
    this.options = options;
    this.reset('power');
  }

  /** @param {"power" | "pin" | "watchdog"} cause power loses SRAM and MCUSR; the others keep both (section 11.9.1) */
  makeChip(cause) {
    const kept = cause === 'power' ? memoryAtPowerOn() : this.chip;
    const chip = new Chip({
      ...this.options,
      registers: kept.registers,
      sram: kept.sram,
      resetFlags: kept.resetFlags | RESET_FLAG[cause],
    });
    chip.onWatchdogReset = () => (this.pendingReset = 'watchdog');
    return chip;
  }

  execute(end) {
    const { core, clock } = this.chip;
    while (core.cycles < end && !this.pendingReset) {
      if (core.waiting && !core.wakes) {
        return;
      }
      core.step();
      if (core.cycles >= clock.dueCycles) {
        clock.runDue();
      }
    }
  }

  /** The address of the instruction, in bytes as listings have it. */
  get pc() {
    return hex(this.chip.core.pc * 2, 4);
  }

  stopReport() {
    const sp = hex(this.chip.core.SP, 4);
    return { place: `pc ${this.pc} (sp ${sp})`, pc: this.pc, sp };
  }

  status() {
    const { core, clock } = this.chip;
    return {
      cycles: core.cycles,
      emulatedMs: clock.nanos / 1e6,
      clockHz: clock.frequencyHz,
      waiting: core.waiting,
      pc: this.pc,
    };
  }
}

function memoryAtPowerOn() {
  const memory = new Uint8Array(GENERAL_REGISTERS + SRAM_BYTES);
  fillWithNoise(memory);
  return {
    registers: memory.subarray(0, GENERAL_REGISTERS),
    sram: memory.subarray(GENERAL_REGISTERS),
    resetFlags: 0,
  };
}
