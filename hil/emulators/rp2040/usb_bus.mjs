/**
 * Transactions between a host and the device, in the time that they take at 12 Mbit/s, on a bus that may be made bad:
 * answers replaced by NAK, data and handshakes lost.
 */
import { StopRun } from '../common/stop.mjs';

const BIT_NANOS = 1e9 / 12e6;
/** Of a bulk transaction beside its data: sync, identifiers, addresses, CRCs, handshake, turnarounds (USB 2.0 table 5-9). */
const OVERHEAD_BYTES = 13;

export class UsbBus {
  constructor() {
    this.controller = null;
    /** Probabilities, 0 to 1. Nothing is lost of requests, which a host would begin anew. */
    this.nakRate = 0;
    this.lossRate = 0;
    this.seed = 0x9e3779b9;
    this.counts = { transactions: 0, naks: 0, lost: 0, repeated: 0 };
    /** Data identifier that is due next, by slot. */
    this.data1 = new Array(32).fill(false);
    /** Slots whose packet may legally come a second time: the handshake of the first was lost. */
    this.mayRepeat = new Set();
  }

  resetToggles() {
    this.data1.fill(false);
    this.mayRepeat.clear();
  }

  /** Nanoseconds that a transaction of `count` bytes occupies the bus. */
  static nanos(count) {
    return (OVERHEAD_BYTES + count) * 8 * BIT_NANOS;
  }

  /** A fixed generator, so that runs repeat. */
  happens(rate) {
    if (rate === 0) {
      return false;
    }
    this.seed ^= this.seed << 13;
    this.seed ^= this.seed >>> 17;
    this.seed ^= this.seed << 5;
    return (this.seed >>> 0) / 2 ** 32 < rate;
  }

  setup(address, bytes) {
    this.counts.transactions++;
    this.data1[0] = true; // USB 2.0 8.5.3: both later stages begin with DATA1
    this.data1[1] = true;
    this.mayRepeat.delete(0);
    this.mayRepeat.delete(1);
    return this.controller.setup(address, bytes);
  }

  /** @returns {{ handshake: "data" | "nak" | "stall" | "timeout", bytes?: Uint8Array }} "timeout" also for a repetition */
  in(address, endpoint) {
    const slot = 2 * endpoint;
    this.counts.transactions++;
    if (this.happens(this.nakRate)) {
      this.counts.naks++;
      return { handshake: 'nak' };
    }
    const answer = this.controller.in(address, endpoint);
    if (answer.handshake !== 'data') {
      return answer;
    }
    const lossRate = endpoint === 0 ? 0 : this.lossRate;
    if (this.happens(lossRate)) {
      this.counts.lost++;
      return { handshake: 'timeout' }; // a bad CRC: no ACK, the device sends it again
    }
    if (answer.data1 !== this.data1[slot]) {
      if (!this.mayRepeat.delete(slot)) {
        throw new StopRun('usb-toggle', `endpoint ${endpoint} IN sent ${pid(answer.data1)}, ${pid(!answer.data1)} was due`);
      }
      this.counts.repeated++;
      this.controller.acknowledged(endpoint);
      return { handshake: 'timeout' };
    }
    this.mayRepeat.delete(slot);
    this.data1[slot] = !this.data1[slot];
    if (this.happens(lossRate)) {
      this.counts.lost++;
      this.mayRepeat.add(slot); // the ACK did not arrive
    } else {
      this.controller.acknowledged(endpoint);
    }
    return answer;
  }

  /** @returns {"ack" | "nak" | "stall" | "timeout"} */
  out(address, endpoint, bytes) {
    const slot = 2 * endpoint + 1;
    this.counts.transactions++;
    if (this.happens(this.nakRate)) {
      this.counts.naks++;
      return 'nak';
    }
    const lossRate = endpoint === 0 ? 0 : this.lossRate;
    if (this.happens(lossRate)) {
      this.counts.lost++;
      return 'timeout'; // the data did not arrive
    }
    const { sequenceErrors } = this.controller;
    const answer = this.controller.out(address, endpoint, this.data1[slot], bytes);
    if (answer !== 'ack') {
      return answer;
    }
    if (this.controller.sequenceErrors !== sequenceErrors) {
      if (!this.mayRepeat.has(slot)) {
        throw new StopRun('usb-toggle', `endpoint ${endpoint} OUT did not expect ${pid(this.data1[slot])}, which was due`);
      }
      this.counts.repeated++;
    }
    if (this.happens(lossRate)) {
      this.counts.lost++;
      this.mayRepeat.add(slot); // the ACK did not arrive
      return 'timeout';
    }
    this.mayRepeat.delete(slot);
    this.data1[slot] = !this.data1[slot];
    return 'ack';
  }
}

const pid = (data1) => (data1 ? 'DATA1' : 'DATA0');
