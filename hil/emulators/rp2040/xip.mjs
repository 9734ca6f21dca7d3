/**
 * Flash as the core sees it: XIP cache, SSI and what a miss costs.
 *
 * RP2040 datasheet 2.6.3: 16 KB cache, two-way set-associative, 8-byte lines, a hit costs no wait state. The
 * four aliases of the flash (table in 2.6.3.1) differ in whether the cache is looked up and filled.
 *
 * A miss is one SPI transfer, whose length follows from how the firmware's second stage has set the SSI
 * (datasheet 4.10): instruction, address, wait cycles and data, each on one, two or four lanes, at clk_sys / BAUDR.
 * With the usual set-up for a W25Q (EBh continuous read: no instruction, 8 nibbles of address and mode, 4 wait
 * clocks, 16 nibbles of data, BAUDR 2) a line of 8 bytes takes (8 + 4 + 16) * 2 = 56 cycles.
 */
import { BasePeripheral } from 'rp2040js';
import { StopRun, hex } from '../common/stop.mjs';

const LINE_BYTES = 8;
const SETS = 1024; // 16 KB / 8-byte lines / 2 ways
const NO_LINE = -1;

/** What an access to the flash window meets. Kept as small integers: the hot path switches on it. */
export const XIP_OFF = 0;
export const XIP_ZERO_WAIT = 1;
export const XIP_CACHED = 2;

export class XipCache {
  /** @param {boolean} modelled false: zero-wait flash */
  constructor(modelled) {
    this.modelled = modelled;
    /** One of XIP_OFF, XIP_ZERO_WAIT, XIP_CACHED. */
    this.mode = XIP_OFF;
    this.offReason = 'the SSI has not been set up by a second stage yet';
    this.enabled = true;
    this.way0 = new Int32Array(SETS).fill(NO_LINE);
    this.way1 = new Int32Array(SETS).fill(NO_LINE);
    /** Which way of each set was used less recently, and is replaced next. */
    this.victim = new Uint8Array(SETS);
    /** The line instructions came from last; a second fetch from it needs no look-up. */
    this.fetchLine = NO_LINE;
    this.lineCycles = 0;
    this.wordCycles = 0;
    this.misses = 0;
  }

  open() {
    this.mode = this.modelled ? XIP_CACHED : XIP_ZERO_WAIT;
  }

  close(reason) {
    this.mode = XIP_OFF;
    this.offReason = reason;
  }

  flush() {
    this.way0.fill(NO_LINE);
    this.way1.fill(NO_LINE);
    this.fetchLine = NO_LINE;
  }

  /**
   * One access through an alias of the flash.
   * @param {number} address in 0x10000000..0x13ffffff
   * @returns {number} wait states in clk_sys cycles
   */
  waitCycles(address) {
    const alias = (address >>> 24) & 3; // bit 0: do not allocate, bit 1: do not look up
    const line = (address & 0xffffff) >>> 3;
    const set = line & (SETS - 1);
    this.fetchLine = NO_LINE;
    if (this.enabled && alias < 2) {
      if (this.way0[set] === line) {
        this.victim[set] = 1;
        return 0;
      }
      if (this.way1[set] === line) {
        this.victim[set] = 0;
        return 0;
      }
    }
    this.misses++;
    if (!this.enabled || alias & 1) {
      return this.wordCycles;
    }
    if (this.victim[set] === 0) {
      this.way0[set] = line;
      this.victim[set] = 1;
    } else {
      this.way1[set] = line;
      this.victim[set] = 0;
    }
    return this.lineCycles;
  }

  /** @param {import('./xip.mjs').Ssi} ssi */
  setTiming(ssi) {
    this.lineCycles = ssi.readCycles(LINE_BYTES);
    this.wordCycles = ssi.readCycles(4);
  }
}

/** XIP_CTRL, datasheet 2.6.3.5: control and flush; the hit counters and the stream are not modelled. */
export class XipControl extends BasePeripheral {
  constructor(rp2040, name, cache) {
    super(rp2040, name);
    this.cache = cache;
    this.ctrl = 0x3; // EN, ERR_BADWRITE
  }

  readUint32(offset) {
    switch (offset) {
      case 0x00: // CTRL
        return this.ctrl;
      case 0x04: // FLUSH
        return 0;
      case 0x08: // STAT: FIFO_EMPTY, FLUSH_READY
        return 0x3;
    }
    throw new StopRun('unmodelled', `XIP_CTRL register ${hex(offset)} is not modelled`);
  }

  writeUint32(offset, value) {
    switch (offset) {
      case 0x00:
        this.ctrl = value & 0xb;
        this.cache.enabled = (value & 1) !== 0;
        return;
      case 0x04:
        this.cache.flush();
        return;
    }
    throw new StopRun('unmodelled', `XIP_CTRL register ${hex(offset)} is not modelled`);
  }
}

// SSI registers, datasheet 4.10.13.
const SSI_CTRLR0 = 0x00;
const SSI_CTRLR1 = 0x04;
const SSI_SSIENR = 0x08;
const SSI_SER = 0x10;
const SSI_BAUDR = 0x14;
const SSI_TXFLR = 0x20;
const SSI_RXFLR = 0x24;
const SSI_SR = 0x28;
const SSI_ICR = 0x48;
const SSI_IDR = 0x58;
const SSI_VERSION_ID = 0x5c;
const SSI_DR0 = 0x60;
const SSI_RX_SAMPLE_DLY = 0xf0;
const SSI_SPI_CTRLR0 = 0xf4;
const SSI_TXD_DRIVE_EDGE = 0xf8;
const SR_TFNF = 1 << 1;
const SR_TFE = 1 << 2;
const SR_RFNE = 1 << 3;
const FIFO_DEPTH = 16;
const FLASH_READ_STATUS1 = 0x05;
const FLASH_READ_STATUS2 = 0x35;
const STATUS2_QUAD_ENABLE = 0x02;

/**
 * The SSI as a second stage uses it: plain transfers for the flash's status registers, then XIP.
 *
 * Of the flash behind it only the status registers answer (SR2 with quad enable set, as a Pico's is once any
 * stock second stage has run); every other plain transfer reads zeros.
 */
export class Ssi extends BasePeripheral {
  constructor(rp2040, name, cache) {
    super(rp2040, name);
    this.cache = cache;
    this.registers = new Map([
      [SSI_CTRLR0, 0],
      [SSI_CTRLR1, 0],
      [SSI_SSIENR, 0],
      [SSI_SER, 0],
      [SSI_BAUDR, 0],
      [SSI_RX_SAMPLE_DLY, 0],
      [SSI_SPI_CTRLR0, 0x03000000], // XIP_CMD = 03h, datasheet 4.10.13
      [SSI_TXD_DRIVE_EDGE, 0],
    ]);
    this.rxFifo = [];
    this.command = 0;
  }

  /** The ROM's flash_exit_xip: serial mode, SCK = clk_sys / 6 (datasheet 2.8.3.1.3). */
  enterSerialMode() {
    this.registers.set(SSI_SSIENR, 0);
    this.registers.set(SSI_BAUDR, 6);
    this.registers.set(SSI_CTRLR0, 7 << 16);
    this.registers.set(SSI_SSIENR, 1);
  }

  /** The ROM's flash_enter_cmd_xip: 03h serial read for every access, 24 address bits. */
  enterCommandXip() {
    this.registers.set(SSI_CTRLR0, (31 << 16) | (3 << 8));
    this.registers.set(SSI_SPI_CTRLR0, (3 << 24) | (2 << 8) | (6 << 2));
    this.registers.set(SSI_SSIENR, 1);
  }

  /**
   * clk_sys cycles of one XIP read, from CTRLR0.SPI_FRF and SPI_CTRLR0 (datasheet 4.10.13).
   * @param {number} bytes of data
   */
  readCycles(bytes) {
    const frameFormat = (this.registers.get(SSI_CTRLR0) >>> 21) & 3; // 0 one lane, 1 two, 2 four
    const control = this.registers.get(SSI_SPI_CTRLR0);
    const lanes = 1 << frameFormat;
    const transferType = control & 3; // 0: all serial but data, 1: address wide too, 2: all wide
    const addressBits = ((control >>> 2) & 0xf) * 4;
    const instructionBits = [0, 4, 8, 16][(control >>> 8) & 3];
    const waitClocks = frameFormat === 0 ? 0 : (control >>> 11) & 0x1f;
    const instructionLanes = transferType === 2 ? lanes : 1;
    const addressLanes = transferType >= 1 ? lanes : 1;
    const clocks =
      Math.ceil(instructionBits / instructionLanes) +
      Math.ceil(addressBits / addressLanes) +
      waitClocks +
      (bytes * 8) / lanes;
    return clocks * this.registers.get(SSI_BAUDR);
  }

  readUint32(offset) {
    if (this.registers.has(offset)) {
      return this.registers.get(offset);
    }
    switch (offset) {
      case SSI_TXFLR:
      case SSI_ICR:
        return 0;
      case SSI_RXFLR:
        return this.rxFifo.length;
      case SSI_SR: // transfers are immediate: never BUSY
        return SR_TFNF | SR_TFE | (this.rxFifo.length > 0 ? SR_RFNE : 0);
      case SSI_IDR:
        return 0x51535049;
      case SSI_VERSION_ID:
        return 0x3430312a;
      case SSI_DR0:
        return this.rxFifo.shift() ?? 0;
    }
    throw new StopRun('unmodelled', `SSI register ${hex(offset)} is not modelled`);
  }

  writeUint32(offset, value) {
    if (offset === SSI_DR0) {
      this.transfer(value);
      return;
    }
    if (!this.registers.has(offset)) {
      throw new StopRun('unmodelled', `SSI register ${hex(offset)} is not modelled`);
    }
    this.registers.set(offset, value >>> 0);
    if (offset === SSI_SSIENR) {
      this.command = 0;
      this.rxFifo.length = 0;
      if (value & 1) {
        this.cache.setTiming(this);
        this.onEnable();
      } else {
        this.cache.close('the SSI is disabled (SSIENR = 0)');
      }
    }
  }

  /** Set by the chip: the firmware has enabled the SSI, XIP may be used from here. */
  onEnable() {}

  transfer(value) {
    const status = { [FLASH_READ_STATUS1]: 0, [FLASH_READ_STATUS2]: STATUS2_QUAD_ENABLE };
    const answer = this.command in status ? status[this.command] : 0;
    this.command = this.command in status ? 0 : value & 0xff;
    if (this.rxFifo.length < FIFO_DEPTH) {
      this.rxFifo.push(answer);
    }
  }
}
