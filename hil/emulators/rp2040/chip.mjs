/**
 * One RP2040 between two resets: rp2040js's chip, with the parts that forgive what the part does not replaced by
 * stricter ones. A reset makes a new Chip; flash, SRAM and the few registers that survive are handed over.
 */
import { RP2040 } from 'rp2040js';
import { Bus } from './bus.mjs';
import { CycleClock } from '../common/clock.mjs';
import { Core } from './core.mjs';
import { Rom } from './rom.mjs';
import { StopRun } from '../common/stop.mjs';
import { ChipReset, Pll, RegisterBank, Resets, SysInfo } from './system.mjs';
import { SysTick } from './systick.mjs';
import { Timer, Watchdog } from './timers.mjs';
import { Uart } from './uart.mjs';
import { UsbController } from './usb_controller.mjs';
import { Ssi, XipCache, XipControl } from './xip.mjs';

export const FLASH_BYTES = 2 * 1024 * 1024; // Raspberry Pi Pico: W25Q16JV
export const SRAM_BYTES = 264 * 1024;
/** Ring oscillator out of reset, datasheet 2.17: nominally 6.5 MHz. */
const ROSC_HZ = 6.5e6;
const UART0_IRQ = 20;
const GPIO_FUNCTION_UART = 2; // datasheet 1.4.3

/** Where the ROM copies the second stage, and its stack grows down from (datasheet 2.8.1.3.1). */
export const BOOT2_ADDRESS = 0x20041f00;
export const BOOT2_BYTES = 256;

export class Chip {
  /**
   * @param {object} state
   * @param {Uint8Array} state.flash FLASH_BYTES
   * @param {Uint8Array} state.sram SRAM_BYTES
   * @param {boolean} state.xipModelled
   * @param {boolean} state.usbModelled strictly; otherwise rp2040js's own controller is left in place
   * @param {string} state.description what the firmware is told it runs on
   * @param {Uint8Array} state.uid eight bytes
   * @param {"power" | "pin"} state.chipResetCause of the last chip-level reset
   * @param {{ reason: number, scratch: Uint32Array }} state.watchdog
   * @param {(message: string) => void} state.warn
   */
  constructor(state) {
    this.flash = state.flash;
    this.sram = state.sram;
    this.clock = new CycleClock(ROSC_HZ);
    const rp2040 = new RP2040(this.clock);
    this.rp2040 = rp2040;
    this.core = new Core();
    rp2040.core = this.core;
    this.clock.core = this.core;
    rp2040.logger = quietLogger(state.warn);
    rp2040.roscFreq = ROSC_HZ;
    rp2040.clkSys = ROSC_HZ;
    this.xip = new XipCache(state.xipModelled);
    this.flashSerial = false;
    this.flashSelectForced = false;
    this.onResetRequest = (_cause) => {};
    this.rom = new Rom(this, state.description, state.uid);
    this.resets = new Resets(rp2040, 'RESETS');
    this.ssi = new Ssi(rp2040, 'SSI', this.xip);
    this.ssi.onEnable = () => this.openXip();
    this.watchdog = new Watchdog(rp2040, 'WATCHDOG', state.watchdog);
    this.sysTick = new SysTick(rp2040, this.watchdog);
    this.uart0 = new Uart(rp2040, 'UART0', UART0_IRQ, {
      peripheralHz: () => rp2040.clocks.periFreq,
      txRouted: () => rp2040.gpio[0].functionSelect === GPIO_FUNCTION_UART,
      rxRouted: () => rp2040.gpio[1].functionSelect === GPIO_FUNCTION_UART,
    });
    if (state.usbModelled) {
      rp2040.usbCtrl = new UsbController(rp2040, 'USBCTRL');
    }
    this.usb = rp2040.usbCtrl;
    this.installPeripherals(state.chipResetCause);
    this.bus = new Bus(this);
    this.core.bus = this.bus;
    this.core.onBreakpoint = (number, pc) => this.rom.breakpoint(number, pc);
  }

  installPeripherals(chipResetCause) {
    const { rp2040 } = this;
    const xosc = rp2040.peripherals[0x40024];
    rp2040.xoscRunning = () => xosc.stable;
    rp2040.pllSys = new Pll(rp2040, 'PLL_SYS');
    rp2040.pllUsb = new Pll(rp2040, 'PLL_USB');
    rp2040.uart[0] = this.uart0;
    Object.assign(rp2040.peripherals, {
      0x14000: new XipControl(rp2040, 'XIP_CTRL', this.xip),
      0x18000: this.ssi,
      0x40000: new SysInfo(rp2040, 'SYSINFO'),
      0x4000c: this.resets,
      0x40018: new RegisterBank(rp2040, 'IO_QSPI'),
      0x40028: rp2040.pllSys,
      0x4002c: rp2040.pllUsb,
      0x40034: this.uart0,
      0x40054: new Timer(rp2040, 'TIMER', this.watchdog),
      0x40058: this.watchdog,
      0x40060: new RegisterBank(rp2040, 'ROSC', { 0x18: 0x80001000 }), // STATUS: STABLE, ENABLED
      0x40064: new ChipReset(rp2040, 'VREG_AND_CHIP_RESET', chipResetCause),
      0x50110: this.usb,
    });
    const updateClocks = rp2040.updateClocks.bind(rp2040);
    rp2040.updateClocks = () => {
      if (rp2040.clocks.sysFreq === 0) {
        throw new StopRun('clock-stopped', 'clk_sys was switched to a source that does not run');
      }
      updateClocks();
      this.watchdog.updateTick();
    };
    rp2040.addClockListener((clkSysHz) => this.clock.setFrequency(clkSysHz));
  }

  /** XIP can be used again, unless the ROM still holds the flash's chip select (datasheet 2.8.3.1.3). */
  openXip() {
    this.flashSerial = false;
    if (this.flashSelectForced) {
      this.xip.close('flash_flush_cache has not been called since flash_exit_xip');
    } else {
      this.xip.open();
    }
  }

  /** Lines cached before an erase or a program may be stale: no XIP until flash_flush_cache. */
  flashChanged() {
    this.flashSelectForced = true;
  }

  /**
   * What the ROM does on a cold boot: checks the second stage and enters it.
   * @throws {StopRun} when its checksum is wrong: the part would wait for an image on USB
   */
  boot() {
    const { core, flash, sram } = this;
    const stage = flash.subarray(0, BOOT2_BYTES);
    const stored = new DataView(stage.buffer, stage.byteOffset).getUint32(BOOT2_BYTES - 4, true);
    const computed = boot2Checksum(stage.subarray(0, BOOT2_BYTES - 4));
    if (stored !== computed) {
      throw new StopRun(
        'boot2-checksum',
        `the second stage's checksum is 0x${stored.toString(16)}, expected 0x${computed.toString(16)}: the boot ROM would not start this image`,
      );
    }
    sram.set(stage, BOOT2_ADDRESS - 0x20000000);
    core.cycles = 0;
    core.SP = BOOT2_ADDRESS;
    core.LR = 0; // tells the second stage to go on to the vector table itself
    core.PC = BOOT2_ADDRESS;
  }
}

/** CRC-32 of the second stage: polynomial 0x04c11db7, MSB first, no reflection (datasheet 2.8.1.3.1). */
export function boot2Checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    }
  }
  return crc >>> 0;
}

/** rp2040js warns on every access it does not model; one line for each kind is enough. */
function quietLogger(warn) {
  const seen = new Set();
  const once = (component, message) => {
    const line = `${component}: ${message}`;
    if (!seen.has(line)) {
      seen.add(line);
      warn(line);
    }
  };
  return { debug() {}, info() {}, warn: once, error: once };
}
