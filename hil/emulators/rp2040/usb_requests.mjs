/**
 * Requests to a USB device, as coroutines that yield nanoseconds to wait: control transfers by USB 2.0 8.5.3, in the
 * time that 9.2.6 leaves the device, and what a host reads to know it.
 */
import { StopRun } from '../common/stop.mjs';
import { UsbBus } from './usb_bus.mjs';
import { DescriptorError, checkConfiguration, checkDevice, checkLanguages, checkString } from './usb_descriptors.mjs';

const MS = 1e6;
const NO_DATA_LIMIT_NANOS = 50 * MS; // USB 2.0 9.2.6.4
const DATA_LIMIT_NANOS = 500 * MS; // 9.2.6.4
const RETRY_NANOS = 10_000;
const STANDARD_IN = 0x80;
const GET_DESCRIPTOR = 6;
export const DEVICE = 1;
const CONFIGURATION = 2;
const STRING = 3;
const DEVICE_QUALIFIER = 6;

export class UsbRequests {
  /** @param {UsbBus} bus */
  constructor(bus) {
    this.bus = bus;
    this.clock = null;
    this.address = 0;
  }

  /** Repeats a transaction while the device answers NAK or not at all. */
  *insist(transaction, limitNanos, what) {
    const end = this.clock.nanos + limitNanos;
    for (;;) {
      const answer = transaction();
      const handshake = answer.handshake ?? answer;
      if (handshake !== 'nak' && handshake !== 'timeout') {
        yield UsbBus.nanos(answer.bytes?.length ?? 0);
        return answer;
      }
      if (this.clock.nanos > end) {
        throw new StopRun('usb-timeout', `${what}: ${handshake} for ${limitNanos / MS} ms (USB 2.0 9.2.6)`);
      }
      yield RETRY_NANOS;
    }
  }

  /** @param {Buffer} setup eight bytes @param {Buffer} data of an OUT data stage */
  *control(setup, data = Buffer.alloc(0)) {
    const { bus, address } = this;
    const name = `request ${setup.toString('hex')}`;
    const length = setup.readUInt16LE(6);
    const stalled = { stalled: true, bytes: Buffer.alloc(0) };
    if (bus.setup(address, setup) !== 'ack') {
      throw new StopRun('usb-timeout', `${name}: the device does not answer at address ${address}`);
    }
    yield UsbBus.nanos(8);
    const inward = (setup[0] & 0x80) !== 0;
    const received = [];
    let count = 0;
    for (let more = length > 0; more; ) {
      if (inward) {
        const answer = yield* this.insist(() => bus.in(address, 0), DATA_LIMIT_NANOS, name);
        if (answer.handshake === 'stall') {
          return stalled;
        }
        count += answer.bytes.length;
        received.push(answer.bytes);
        more = answer.bytes.length === 64 && count < length;
      } else {
        const packet = data.subarray(count, count + 64);
        if ((yield* this.insist(() => bus.out(address, 0, packet), DATA_LIMIT_NANOS, name)) === 'stall') {
          return stalled;
        }
        count += packet.length;
        more = count < length;
      }
    }
    if (count > length) {
      throw new StopRun('usb-length', `${name}: answered with ${count} bytes`);
    }
    if (inward && length > 0) {
      if ((yield* this.insist(() => bus.out(address, 0, Buffer.alloc(0)), NO_DATA_LIMIT_NANOS, name)) === 'stall') {
        return stalled;
      }
    } else {
      const status = yield* this.insist(() => bus.in(address, 0), NO_DATA_LIMIT_NANOS, name);
      if (status.handshake === 'stall') {
        return stalled;
      }
      if (status.bytes.length > 0) {
        throw new StopRun('usb-length', `${name}: a status stage of ${status.bytes.length} bytes`);
      }
    }
    return { stalled: false, bytes: Buffer.concat(received) };
  }

  /** A request that a device of this kind must not refuse. */
  *must(setup, data) {
    const { stalled, bytes } = yield* this.control(Buffer.from(setup), data);
    if (stalled) {
      throw new StopRun('usb-stall', `request ${Buffer.from(setup).toString('hex')} was refused`);
    }
    return bytes;
  }

  *descriptor(type, index, length, language = 0) {
    return yield* this.must(getDescriptor(type, index, length, language));
  }

  /** @returns what the device says that it is, checked */
  *describe() {
    try {
      return yield* this.readDescriptors();
    } catch (error) {
      throw error instanceof DescriptorError ? new StopRun('usb-descriptor', error.message) : error;
    }
  }

  *readDescriptors() {
    const device = yield* this.descriptor(DEVICE, 0, 18);
    const { composite, strings } = checkDevice(device);
    const head = yield* this.descriptor(CONFIGURATION, 0, 9);
    const configuration = yield* this.descriptor(CONFIGURATION, 0, head.readUInt16LE(2));
    const endpoints = checkConfiguration(configuration, composite);
    const [language] = checkLanguages(yield* this.descriptor(STRING, 0, 255));
    const texts = [];
    for (const index of strings.filter((used) => used !== 0)) {
      texts.push(checkString(yield* this.descriptor(STRING, index, 255, language)));
    }
    const qualifier = yield* this.control(getDescriptor(DEVICE_QUALIFIER, 0, 10, 0));
    if (!qualifier.stalled) {
      throw new StopRun('usb-descriptor', 'a device without high speed has no device qualifier (USB 2.0 9.6.2)');
    }
    return { device, configuration, endpoints, strings: texts };
  }
}

export function getDescriptor(type, index, length, language) {
  return Buffer.from([STANDARD_IN, GET_DESCRIPTOR, index, type, language & 255, language >>> 8, length & 255, length >>> 8]);
}
