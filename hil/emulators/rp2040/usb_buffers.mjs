/**
 * The USB controller's buffers in its DPSRAM, RP2040 datasheet 4.1.2.5: who has each, the processor or the controller.
 *
 * What the data sheet forbids ends the run: handing a buffer over together with what is in it, filling one that the
 * controller has.
 *
 * A slot is an endpoint in one direction, 2 * endpoint + (OUT ? 1 : 0), as BUFF_STATUS counts them.
 */
import { StopRun, hex } from '../common/stop.mjs';

const BUFFER_CONTROLS = 0x80;
const BUFFER_CONTROLS_END = 0x100;
const ENDPOINT_ENABLE = 0x80000000;
const ENDPOINT_INTERRUPT = 1 << 29;
const ENDPOINT_DOUBLE_BUFFERED = 1 << 30;
const EP0_DATA = 0x100;

// Buffer control, datasheet 4.1.2.5.3.
export const FULL = 1 << 15;
export const DATA1 = 1 << 13;
export const STALL = 1 << 11;
export const AVAILABLE = 1 << 10;
export const LENGTH = 0x3ff;
const GO = AVAILABLE | STALL;
const SECOND_BUFFER = 0xffff0000;

export const CLK_USB_HZ = 48e6;
const PACKET_BYTES = 64;

export class UsbBuffers {
  /** @param onArmed told the slot of a buffer that was handed over. */
  constructor(rp2040, onArmed) {
    this.dpram = rp2040.usbDPRAM;
    this.view = rp2040.usbDPRAMView;
    this.clock = rp2040.clock;
    this.onArmed = onArmed;
    /** Buffer control by slot, and when all but AVAILABLE and STALL last changed. */
    this.words = new Uint32Array(32);
    this.changedNanos = new Float64Array(32).fill(-Infinity);
  }

  /** After a store to the DPSRAM. */
  written(offset, value) {
    if (offset >= BUFFER_CONTROLS && offset < BUFFER_CONTROLS_END) {
      this.controlWritten((offset - BUFFER_CONTROLS) >>> 2, value >>> 0);
    } else if (offset >= EP0_DATA) {
      this.checkNotHandedOver(offset);
    }
  }

  controlWritten(slot, word) {
    const before = this.words[slot];
    const handedOver = word & ~before & GO;
    if (word & SECOND_BUFFER) {
      throw new StopRun('unmodelled', `double buffering of ${slotName(slot)} is not modelled`);
    }
    this.words[slot] = word;
    if ((word ^ before) & ~GO) {
      if (handedOver) {
        throw new StopRun(
          'usb-handover',
          `the buffer of ${slotName(slot)} is handed over in the store that changes it (datasheet 4.1.2.5.3)`,
        );
      }
      this.changedNanos[slot] = this.clock.nanos;
    }
    if (!handedOver) {
      return;
    }
    if (this.clock.nanos - this.changedNanos[slot] < 1e9 / CLK_USB_HZ) {
      throw new StopRun(
        'usb-handover',
        `the buffer of ${slotName(slot)} is handed over less than a period of clk_usb after it changed (datasheet 4.1.2.5.3)`,
      );
    }
    if (slot >= 2 && !this.isOpen(slot)) {
      throw new StopRun('usb-closed', `a buffer is handed over to ${slotName(slot)}, which is not enabled`);
    }
    if ((word & LENGTH) > PACKET_BYTES) {
      throw new StopRun('usb-length', `${word & LENGTH} bytes in a packet of ${slotName(slot)}`);
    }
    this.onArmed(slot);
  }

  checkNotHandedOver(offset) {
    for (let slot = 0; slot < this.words.length; slot++) {
      const word = this.words[slot];
      const start = this.dataOffset(slot);
      if (word & AVAILABLE && offset + 4 > start && offset < start + (word & LENGTH)) {
        throw new StopRun('usb-buffer', `store to ${hex(offset)} of DPSRAM, in a buffer that ${slotName(slot)} has`);
      }
    }
  }

  endpointControl(slot) {
    return this.view.getUint32(4 * slot, true);
  }

  isOpen(slot) {
    const control = this.endpointControl(slot);
    if (control & ENDPOINT_DOUBLE_BUFFERED) {
      throw new StopRun('unmodelled', `double buffering of ${slotName(slot)} is not modelled`);
    }
    return (control & ENDPOINT_ENABLE) !== 0;
  }

  dataOffset(slot) {
    return slot < 2 ? EP0_DATA : this.endpointControl(slot) & 0xffc0;
  }

  /** An interrupt is wanted whenever the buffer comes back; not of endpoint 0. */
  reports(slot) {
    return (this.endpointControl(slot) & ENDPOINT_INTERRUPT) !== 0;
  }

  /** The controller has a buffer to send from, or to receive into. */
  isArmed(slot) {
    return (this.words[slot] & AVAILABLE) !== 0;
  }

  /** What the slot's buffer holds. */
  take(slot) {
    const start = this.dataOffset(slot);
    return this.dpram.slice(start, start + (this.words[slot] & LENGTH));
  }

  put(slot, bytes) {
    this.dpram.set(bytes, this.dataOffset(slot));
  }

  /** A SETUP packet has a place of its own: the first 8 bytes. */
  putSetup(bytes) {
    this.dpram.set(bytes, 0);
  }

  giveBack(slot, word) {
    this.words[slot] = word;
    this.view.setUint32(BUFFER_CONTROLS + 4 * slot, word, true);
  }
}

export const slotName = (slot) => `endpoint ${slot >>> 1} ${slot & 1 ? 'OUT' : 'IN'}`;
