/**
 * The USB controller as a full-speed device, RP2040 datasheet 4.1, as strict as the part.
 *
 * rp2040js's own sends a buffer as soon as it is made available, knows no data toggles, no NAK and no STALL. Here a
 * buffer waits for the host's token, the packet identifiers are on the bus, and what the data sheet forbids ends the run:
 * here a wrong clk_usb, in usb_buffers.mjs what must not be done with a buffer. A slot is what it is there.
 */
import { BasePeripheral } from 'rp2040js';
import { StopRun, hex } from '../common/stop.mjs';
import { AVAILABLE, CLK_USB_HZ, DATA1, FULL, LENGTH, STALL, UsbBuffers, slotName } from './usb_buffers.mjs';

// Registers, datasheet 4.1.4.
const ADDR_ENDP = 0x00;
const MAIN_CTRL = 0x40;
const SIE_CTRL = 0x4c;
const SIE_STATUS = 0x50;
const BUFF_STATUS = 0x58;
const EP_STALL_ARM = 0x68;
const USB_MUXING = 0x74;
const USB_PWR = 0x78;
const INTR = 0x8c;
const INTE = 0x90;
const INTS = 0x98;

const MAIN_CONTROLLER_EN = 1 << 0;
const MAIN_HOST = 1 << 1;
const SIE_PULLUP_EN = 1 << 16;
const SIE_EP0_INT_1BUF = 1 << 29;
const MUXING_TO_PHY = 1 << 0;
const MUXING_SOFTCON = 1 << 3;
const PWR_VBUS_DETECTED = 3 << 2; // VBUS_DETECT and its override

const STATUS_DATA_SEQ_ERROR = 1 << 31;
const STATUS_BUS_RESET = 1 << 19;
const STATUS_SETUP_REC = 1 << 17;
const STATUS_CONNECTED = 1 << 16;
const STATUS_RESUME = 1 << 11;
const STATUS_SUSPENDED = 1 << 4;
const STATUS_WRITE_CLEARS = STATUS_DATA_SEQ_ERROR | STATUS_BUS_RESET | STATUS_SETUP_REC | STATUS_RESUME;

const INT_BUFF_STATUS = 1 << 4;
/** Interrupts that show a bit of SIE_STATUS. */
const INT_OF_STATUS = [
  [STATUS_SETUP_REC, 1 << 16],
  [STATUS_RESUME, 1 << 15],
  [STATUS_SUSPENDED, 1 << 14],
  [STATUS_BUS_RESET, 1 << 12],
  [STATUS_DATA_SEQ_ERROR, 1 << 5],
];

const EP0_STALL_BITS = 3;
const USBCTRL_IRQ = 5;

export class UsbController extends BasePeripheral {
  constructor(rp2040, name) {
    super(rp2040, name);
    this.buffers = new UsbBuffers(rp2040, (slot) => this.onArmed(slot));
    this.address = 0;
    this.main = 0;
    this.sieControl = 0;
    this.status = 0;
    this.buffStatus = 0;
    this.stallArm = 0;
    this.muxing = 0;
    this.power = 0;
    this.interruptEnable = 0;
    this.sequenceErrors = 0;
    /** Set by the host: the pull-up came or went; a buffer was handed over. */
    this.onAttach = (_attached) => {};
    this.onArmed = (_slot) => {};
  }

  /** The device shows itself: what a host sees of it on D+. */
  get attached() {
    return (
      (this.main & MAIN_CONTROLLER_EN) !== 0 &&
      (this.sieControl & SIE_PULLUP_EN) !== 0 &&
      (this.muxing & (MUXING_TO_PHY | MUXING_SOFTCON)) === (MUXING_TO_PHY | MUXING_SOFTCON) &&
      (this.power & PWR_VBUS_DETECTED) === PWR_VBUS_DETECTED
    );
  }

  readUint32(offset) {
    switch (offset) {
      case ADDR_ENDP:
        return this.address;
      case MAIN_CTRL:
        return this.main;
      case SIE_CTRL:
        return this.sieControl;
      case SIE_STATUS:
        return (this.status | (this.attached ? STATUS_CONNECTED : 0)) >>> 0;
      case BUFF_STATUS:
        return this.buffStatus;
      case EP_STALL_ARM:
        return this.stallArm;
      case USB_MUXING:
        return this.muxing;
      case USB_PWR:
        return this.power;
      case INTR:
        return this.rawInterrupts;
      case INTE:
        return this.interruptEnable;
      case INTS:
        return this.rawInterrupts & this.interruptEnable;
    }
    throw new StopRun('unmodelled', `${this.name} has no register at ${hex(offset)}`);
  }

  writeUint32(offset, value) {
    const attached = this.attached;
    switch (offset) {
      case ADDR_ENDP:
        this.address = value & 0x7f;
        break;
      case MAIN_CTRL:
        if (value & MAIN_HOST) {
          throw new StopRun('unmodelled', `${this.name} as a host is not modelled`);
        }
        this.main = value & MAIN_CONTROLLER_EN;
        break;
      case SIE_CTRL:
        this.sieControl = value;
        break;
      case SIE_STATUS:
        this.status &= ~(this.rawWriteValue & STATUS_WRITE_CLEARS);
        break;
      case BUFF_STATUS:
        this.buffStatus = (this.buffStatus & ~this.rawWriteValue) >>> 0;
        break;
      case EP_STALL_ARM:
        this.stallArm = value & EP0_STALL_BITS;
        break;
      case USB_MUXING:
        this.muxing = value;
        break;
      case USB_PWR:
        this.power = value;
        break;
      case INTE:
        this.interruptEnable = value & 0xfffff;
        break;
      default:
        throw new StopRun('unmodelled', `${this.name} has no writable register at ${hex(offset)}`);
    }
    if (this.attached !== attached) {
      this.checkClock();
      this.onAttach(this.attached);
    }
    this.updateInterrupt();
  }

  /** Full speed is 12 Mbit/s to 0.25 % (USB 2.0 7.1.11), from clk_usb. */
  checkClock() {
    const { clocks, pllUsb } = this.rp2040;
    const enabled = (clocks.usbCtrl & (1 << 11)) !== 0;
    const fromPll = ((clocks.usbCtrl >>> 5) & 7) === 0;
    const hz = enabled && fromPll ? pllUsb.frequency / (clocks.usbDiv >>> 8 || 0x10000) : 0;
    if (this.attached && Math.abs(hz / CLK_USB_HZ - 1) > 0.0025) {
      throw new StopRun('usb-clock', `the USB pull-up is on with clk_usb at ${hz / 1e6} MHz, not 48`);
    }
  }

  get rawInterrupts() {
    let bits = this.buffStatus !== 0 ? INT_BUFF_STATUS : 0;
    for (const [status, interrupt] of INT_OF_STATUS) {
      bits |= this.status & status ? interrupt : 0;
    }
    return bits;
  }

  updateInterrupt() {
    this.rp2040.setInterrupt(USBCTRL_IRQ, (this.rawInterrupts & this.interruptEnable) !== 0);
  }

  /** Called by the bus after a store to the DPSRAM. */
  DPRAMUpdated(offset, value) {
    this.buffers.written(offset, value);
  }

  // What the host does on the bus.

  busReset() {
    this.status = (this.status | STATUS_BUS_RESET) & ~STATUS_SUSPENDED;
    this.updateInterrupt();
  }

  suspend() {
    this.status |= STATUS_SUSPENDED;
    this.updateInterrupt();
  }

  resume() {
    this.status = (this.status & ~STATUS_SUSPENDED) | STATUS_RESUME;
    this.updateInterrupt();
  }

  /** The token reaches the device and an endpoint that takes part; otherwise nobody answers. */
  hears(address, slot) {
    return this.attached && address === this.address && (slot < 2 || this.buffers.isOpen(slot));
  }

  stalls(slot) {
    return (this.buffers.words[slot] & STALL) !== 0 && (slot >= 2 || (this.stallArm & (1 << slot)) !== 0);
  }

  /** A SETUP transaction: accepted whatever the device is doing (USB 2.0 8.4.6.4). @returns "ack" | "timeout" */
  setup(address, bytes) {
    if (!this.hears(address, 0)) {
      return 'timeout';
    }
    this.buffers.putSetup(bytes);
    this.stallArm = 0; // datasheet 4.1.4, EP_STALL_ARM
    this.status |= STATUS_SETUP_REC;
    this.updateInterrupt();
    return 'ack';
  }

  /** @returns {{ handshake: "data" | "nak" | "stall" | "timeout", data1?: boolean, bytes?: Uint8Array }} */
  in(address, endpoint) {
    const slot = 2 * endpoint;
    if (!this.hears(address, slot)) {
      return { handshake: 'timeout' };
    }
    if (this.stalls(slot)) {
      return { handshake: 'stall' };
    }
    const word = this.buffers.words[slot];
    if ((word & (AVAILABLE | FULL)) !== (AVAILABLE | FULL)) {
      return { handshake: 'nak' };
    }
    return {
      handshake: 'data',
      data1: (word & DATA1) !== 0,
      bytes: this.buffers.take(slot),
    };
  }

  /** The host's ACK of what `in` returned has come; without it the packet is sent again. */
  acknowledged(endpoint) {
    const slot = 2 * endpoint;
    this.finish(slot, this.buffers.words[slot] & ~(AVAILABLE | FULL));
  }

  /** @returns {"ack" | "nak" | "stall" | "timeout"} */
  out(address, endpoint, data1, bytes) {
    const slot = 2 * endpoint + 1;
    if (!this.hears(address, slot)) {
      return 'timeout';
    }
    if (this.stalls(slot)) {
      return 'stall';
    }
    const word = this.buffers.words[slot];
    if ((word & (AVAILABLE | FULL)) !== AVAILABLE) {
      return 'nak';
    }
    if (((word & DATA1) !== 0) !== data1) {
      this.sequenceErrors++;
      this.status |= STATUS_DATA_SEQ_ERROR; // seen before: acknowledged and dropped (USB 2.0 8.6.4)
      this.updateInterrupt();
      return 'ack';
    }
    if (bytes.length > (word & LENGTH)) {
      throw new StopRun('usb-length', `${bytes.length} bytes for ${slotName(slot)}, armed for ${word & LENGTH}`);
    }
    this.buffers.put(slot, bytes);
    this.finish(slot, (word & DATA1) | FULL | bytes.length);
    return 'ack';
  }

  /** Gives the buffer back to the processor. */
  finish(slot, word) {
    this.buffers.giveBack(slot, word);
    const reports = slot < 2 ? this.sieControl & SIE_EP0_INT_1BUF : this.buffers.reports(slot);
    if (reports) {
      this.buffStatus = (this.buffStatus | (1 << slot)) >>> 0;
      this.updateInterrupt();
    }
  }

  /** The controller has a buffer to send from, or to receive into. */
  isArmed(slot) {
    return this.buffers.isArmed(slot);
  }
}
