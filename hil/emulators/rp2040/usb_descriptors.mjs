/**
 * Descriptors of a full-speed CDC-ACM device, every field checked as the specifications have it: USB 2.0 chapter 9,
 * CDC 1.2 and PSTN 1.2. A host that forgives passes devices on which another one fails.
 */

const DEVICE = 1;
const CONFIGURATION = 2;
const STRING = 3;
const INTERFACE = 4;
const ENDPOINT = 5;
const INTERFACE_ASSOCIATION = 11;
const CS_INTERFACE = 0x24;

const CLASS_CDC = 2;
const CLASS_CDC_DATA = 10;
const CLASS_MISCELLANEOUS = 0xef;
const SUBCLASS_ACM = 2;
const FUNCTIONAL_HEADER = 0;
const FUNCTIONAL_CALL_MANAGEMENT = 1;
const FUNCTIONAL_ACM = 2;
const FUNCTIONAL_UNION = 6;
const BULK = 2;
const INTERRUPT = 3;
const FULL_SPEED_SIZES = [8, 16, 32, 64]; // USB 2.0 5.5.3, 5.8.3
const MAX_POWER_UNITS = 250;

export class DescriptorError extends Error {}

function check(holds, message) {
  if (!holds) {
    throw new DescriptorError(message);
  }
}

const word = (bytes, at) => bytes[at] | (bytes[at + 1] << 8);

/** Binary-coded decimal, one digit a nibble. */
const isBcd = (value) => [0, 4, 8, 12].every((shift) => ((value >>> shift) & 15) <= 9);

/** USB 2.0 9.6.1 @returns {{ vendorId: number, productId: number, strings: number[] }} */
export function checkDevice(bytes) {
  check(bytes.length === 18 && bytes[0] === 18, `device descriptor: ${bytes.length} bytes, bLength ${bytes[0]}`);
  check(bytes[1] === DEVICE, `device descriptor: bDescriptorType ${bytes[1]}`);
  check(isBcd(word(bytes, 2)) && word(bytes, 2) >= 0x0110, 'device descriptor: bcdUSB');
  const plain = bytes[4] === CLASS_CDC && bytes[5] === 0 && bytes[6] === 0;
  const composite = bytes[4] === CLASS_MISCELLANEOUS && bytes[5] === 2 && bytes[6] === 1;
  check(plain || composite, `device descriptor: class ${bytes[4]}, ${bytes[5]}, ${bytes[6]}`);
  check(FULL_SPEED_SIZES.includes(bytes[7]), `device descriptor: bMaxPacketSize0 ${bytes[7]}`);
  check(isBcd(word(bytes, 12)), 'device descriptor: bcdDevice');
  check(bytes[17] === 1, `device descriptor: ${bytes[17]} configurations`);
  return {
    vendorId: word(bytes, 8),
    productId: word(bytes, 10),
    composite,
    strings: [bytes[14], bytes[15], bytes[16]],
  };
}

/** USB 2.0 9.6.7 @returns {string} */
export function checkString(bytes) {
  check(bytes.length >= 2 && bytes[0] === bytes.length, `string descriptor: bLength ${bytes[0]} of ${bytes.length}`);
  check(bytes[1] === STRING && bytes.length % 2 === 0, 'string descriptor: type or odd length');
  return Buffer.from(bytes.subarray(2)).toString('utf16le');
}

/** Language identifiers, USB 2.0 9.6.7 @returns {number[]} */
export function checkLanguages(bytes) {
  const text = checkString(bytes);
  check(text.length > 0, 'string descriptor 0 names no language');
  return [...text].map((unit) => unit.charCodeAt(0));
}

/** The descriptors in a configuration, each whole. */
function split(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += bytes[at]) {
    check(bytes[at] >= 2 && at + bytes[at] <= bytes.length, `configuration: bLength ${bytes[at]} at ${at}`);
    parts.push(bytes.subarray(at, at + bytes[at]));
  }
  return parts;
}

/**
 * USB 2.0 9.6.3 to 9.6.6, CDC 1.2 5.2.3, PSTN 1.2 5.3.
 * @param {Uint8Array} bytes all of it
 * @param {boolean} composite the device descriptor announces an interface association
 * @returns {{ value: number, communication: number, notify: number, dataIn: number, dataOut: number, packetBytes: number }}
 *   endpoint numbers without direction
 */
export function checkConfiguration(bytes, composite) {
  const [head, ...rest] = split(bytes);
  check(head[0] === 9 && head[1] === CONFIGURATION, 'configuration: bLength or bDescriptorType');
  check(word(head, 2) === bytes.length, `configuration: wTotalLength ${word(head, 2)} of ${bytes.length}`);
  check(head[5] !== 0, 'configuration: bConfigurationValue 0 means not configured');
  check((head[7] & 0x9f) === 0x80, 'configuration: bmAttributes, reserved bits');
  check(head[8] <= MAX_POWER_UNITS, 'configuration: bMaxPower over 500 mA');
  const association = rest.filter((part) => part[1] === INTERFACE_ASSOCIATION);
  check(association.length === (composite ? 1 : 0), 'configuration: interface association');
  const interfaces = groupByInterface(rest.filter((part) => part[1] !== INTERFACE_ASSOCIATION));
  check(interfaces.length === head[4], `configuration: ${interfaces.length} interfaces, bNumInterfaces ${head[4]}`);
  check(interfaces.length === 2, 'configuration: a CDC-ACM port has two interfaces');
  const [communication, data] = interfaces;
  checkCommunication(communication, data.head[2]);
  check(data.head[5] === CLASS_CDC_DATA && data.head[6] === 0 && data.head[7] === 0, 'data interface: class');
  check(data.functional.length === 0, 'data interface: functional descriptors');
  if (composite) {
    const [part] = association;
    check(part[0] === 8 && part[2] === communication.head[2] && part[3] === 2, 'interface association: interfaces');
    check(part[4] === CLASS_CDC && part[5] === SUBCLASS_ACM, 'interface association: class');
  }
  const [notify] = communication.endpoints;
  const outs = data.endpoints.filter((endpoint) => !(endpoint[2] & 0x80));
  const ins = data.endpoints.filter((endpoint) => endpoint[2] & 0x80);
  check(communication.endpoints.length === 1 && notify[2] & 0x80, 'communication interface: endpoints');
  check((notify[3] & 3) === INTERRUPT && notify[6] >= 1, 'notification endpoint: type or bInterval');
  check(word(notify, 4) >= 1 && word(notify, 4) <= 64, 'notification endpoint: wMaxPacketSize');
  check(outs.length === 1 && ins.length === 1, 'data interface: endpoints');
  for (const endpoint of data.endpoints) {
    check((endpoint[3] & 3) === BULK, `endpoint ${endpoint[2]}: not bulk`);
    check(FULL_SPEED_SIZES.includes(word(endpoint, 4)), `endpoint ${endpoint[2]}: wMaxPacketSize`);
  }
  const addresses = [notify[2], ins[0][2], outs[0][2]];
  check(new Set(addresses).size === 3, 'an endpoint address is used twice');
  return {
    value: head[5],
    communication: communication.head[2],
    notify: notify[2] & 15,
    dataIn: ins[0][2] & 15,
    dataOut: outs[0][2],
    packetBytes: word(outs[0], 4),
  };
}

function groupByInterface(parts) {
  const interfaces = [];
  for (const part of parts) {
    const last = interfaces.at(-1);
    if (part[1] === INTERFACE) {
      check(part[0] === 9 && part[3] === 0, 'interface: bLength or bAlternateSetting');
      check(part[2] === interfaces.length, `interface ${part[2]} where ${interfaces.length} is due`);
      interfaces.push({ head: part, functional: [], endpoints: [] });
    } else if (part[1] === ENDPOINT) {
      check(last && part[0] === 7, 'endpoint: bLength, or before any interface');
      check((part[2] & 0x70) === 0 && (part[2] & 15) !== 0, `endpoint: bEndpointAddress ${part[2]}`);
      last.endpoints.push(part);
    } else {
      check(last && part[1] === CS_INTERFACE, `configuration: descriptor type ${part[1]}`);
      check(last.endpoints.length === 0, 'functional descriptors come before endpoints');
      last.functional.push(part);
    }
  }
  for (const { head, endpoints } of interfaces) {
    check(head[4] === endpoints.length, `interface ${head[2]}: bNumEndpoints ${head[4]} of ${endpoints.length}`);
  }
  return interfaces;
}

function checkCommunication({ head, functional }, dataInterface) {
  check(head[5] === CLASS_CDC && head[6] === SUBCLASS_ACM, 'communication interface: class');
  check(head[7] <= 1, `communication interface: protocol ${head[7]}`);
  const one = (subtype, length) => {
    const found = functional.filter((part) => part[2] === subtype);
    check(found.length === 1 && found[0][0] === length, `functional descriptor ${subtype}: missing or of wrong length`);
    return found[0];
  };
  const header = one(FUNCTIONAL_HEADER, 5);
  check(functional[0] === header, 'the header comes first among the functional descriptors');
  check(word(header, 3) === 0x0110 || word(header, 3) === 0x0120, 'functional header: bcdCDC');
  check(one(FUNCTIONAL_ACM, 4)[3] & 2, 'ACM: line coding and control line state are not offered');
  const call = one(FUNCTIONAL_CALL_MANAGEMENT, 5);
  check((call[3] & ~3) === 0 && call[4] === dataInterface, 'call management: bmCapabilities or bDataInterface');
  const union = one(FUNCTIONAL_UNION, 5);
  check(union[3] === head[2] && union[4] === dataInterface, 'union: interfaces');
}
