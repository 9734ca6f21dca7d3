/** Firmware images: Intel HEX, or flat from address 0. */

/** Optiboot's section of the flash (512 bytes) belongs to the boot loader on an UNO. */
export const APPLICATION_BYTES = 32256;
const ERASED = 0xff;

const DATA = 0;
const END_OF_FILE = 1;
const SEGMENT_ADDRESS = 2;
const SEGMENT_START = 3;
const LINEAR_ADDRESS = 4;
const LINEAR_START = 5;

/**
 * @param {Buffer} file
 * @param {number} flashBytes
 * @returns {Uint8Array} the whole flash, erased where the image says nothing
 * @throws {Error} not an image, or it does not fit: by how much
 */
export function loadImage(file, flashBytes) {
  const flash = new Uint8Array(flashBytes).fill(ERASED);
  const isHex = file[0] === ':'.charCodeAt(0);
  const pieces = isHex ? [...hexRecords(file.toString('latin1'))] : [{ address: 0, bytes: file }];
  const end = Math.max(0, ...pieces.map(({ address, bytes }) => address + bytes.length));
  if (end > APPLICATION_BYTES) {
    const excess = end - APPLICATION_BYTES;
    throw new Error(`${end} bytes, and ${APPLICATION_BYTES} lie below the boot loader: ${excess} too many`);
  }
  pieces.forEach(({ address, bytes }) => flash.set(bytes, address));
  return flash;
}

function* hexRecords(text) {
  let base = 0;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '') {
      continue;
    }
    const fail = (reason) => {
      throw new Error(`Intel HEX, line ${index + 1}: ${reason}`);
    };
    if (!/^:([0-9a-f]{2}){5,}$/i.test(line)) {
      fail('not a record');
    }
    const record = Buffer.from(line.slice(1), 'hex');
    const bytes = record.subarray(4, -1);
    if (record[0] !== bytes.length) {
      fail(`${bytes.length} bytes of data, ${record[0]} announced`);
    }
    if (record.reduce((sum, byte) => (sum + byte) & 0xff, 0) !== 0) {
      fail('wrong checksum');
    }
    switch (record[3]) {
      case DATA:
        yield { address: base + record.readUInt16BE(1), bytes };
        break;
      case END_OF_FILE:
        return;
      case SEGMENT_ADDRESS:
        base = bytes.readUInt16BE(0) * 16;
        break;
      case LINEAR_ADDRESS:
        base = bytes.readUInt16BE(0) * 65536;
        break;
      case SEGMENT_START:
      case LINEAR_START:
        break;
      default:
        fail(`record type ${record[3]}`);
    }
  }
  throw new Error('Intel HEX: the end-of-file record is missing');
}
