/** rp2040js's own USB controller and CDC host, as a byte link: written by others, and more forgiving than ours. */
import { USBCDC } from 'rp2040js';

const QUEUE_LIMIT_BYTES = 65536;

export class UsbCdc {
  /** @param {(bytes: Buffer) => void} deliver what the device has sent */
  constructor(deliver) {
    this.deliver = deliver;
    this.queue = Buffer.alloc(0);
    this.received = [];
    this.onDrained = () => {};
  }

  attach(chip) {
    const usb = chip.rp2040.usbCtrl;
    this.ready = false;
    this.queue = Buffer.alloc(0);
    this.cdc = new USBCDC(usb);
    this.cdc.onSerialData = (bytes) => this.received.push(bytes);
    this.cdc.onDeviceConnected = () => (this.ready = true);
    this.alarms = [usb.resetAlarm, ...usb.endpointReadAlarms.map((entry) => entry.alarm)].concat(
      usb.endpointWriteAlarms.map((entry) => entry.alarm),
    );
    // It answers a device that waits for data with an empty packet, over and over: let it wait.
    this.answer = usb.onEndpointRead;
    this.waitingBytes = 0;
    usb.onEndpointRead = (endpoint, size) => {
      if (endpoint === this.cdc.outEndpoint) {
        this.waitingBytes = size;
        this.feed();
      }
    };
  }

  feed() {
    if (this.waitingBytes === 0 || this.queue.length === 0) {
      return;
    }
    const packet = this.queue.subarray(0, this.waitingBytes);
    const before = this.queue.length;
    this.queue = this.queue.subarray(packet.length);
    packet.forEach((byte) => this.cdc.sendSerialByte(byte));
    this.answer(this.cdc.outEndpoint, this.waitingBytes);
    this.waitingBytes = 0;
    if (before > QUEUE_LIMIT_BYTES / 2 && this.queue.length <= QUEUE_LIMIT_BYTES / 2) {
      this.onDrained();
    }
  }

  get busy() {
    return this.alarms.some((alarm) => alarm.scheduled);
  }

  fromHost(bytes) {
    this.queue = Buffer.concat([this.queue, bytes]);
    this.feed();
    return this.queue.length < QUEUE_LIMIT_BYTES;
  }

  flush() {
    if (this.received.length > 0) {
      this.deliver(Buffer.concat(this.received));
      this.received = [];
    }
  }
}
