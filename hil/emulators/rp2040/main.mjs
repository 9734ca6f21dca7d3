#!/usr/bin/env node
/**
 * A Raspberry Pi Pico on rp2040js: `node main.mjs --image pico.bin`.
 *
 * Prints one line `READY {"uart": port, "usb": port, "control": port}` on stdout once the firmware listens. Bytes on
 * the first TCP port are UART0's, on the second, with --usb, those of the USB serial port; the last takes and sends JSON
 * lines (see ../common/server.mjs). Exit codes: 0 told to end, 2 usage, 70 the firmware did what the part does not forgive (the
 * reason is the last line on stderr).
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SerialLine } from '../common/line.mjs';
import { Program, readOptions } from '../common/program.mjs';
import { LineServer } from '../common/server.mjs';
import { Board } from './board.mjs';
import { FLASH_BYTES } from './chip.mjs';
import { UID_BYTES } from './rom.mjs';
import { UsbCdc } from './usb_cdc.mjs';
import { usbCommand } from './usb_control.mjs';
import { UsbHost } from './usb_host.mjs';

const RP2040JS_VERSION = '1.4.1';

const USAGE = `usage: node main.mjs --image FILE [options]

  --image FILE          firmware, flat from 0x10000000, its second stage first
  --flash-model MODEL   xip (default: cache and SPI transfers cost time) or zero-wait
  --flash-file FILE     keep the flash in FILE between runs; --image overlays it
  --baud N              rate of the host's end of UART0 (default 921600)
  --usb HOST            plug USB into a host: strict, or rp2040js (its own host, on its own model of the controller)
  --uid HEX             unique id, 16 hex digits
  --port N              TCP port for UART0 (default 0: any)
  --usb-port N          TCP port for USB (default 0: any)
  --control-port N      TCP port for commands (default 0: any)
  --exit-with-parent    end when stdin closes or the parent process is gone
  --verbose             say what the peripherals warn about
`;

function options() {
  const { values } = parseArgs({
    options: {
      image: { type: 'string' },
      'flash-model': { type: 'string', default: 'xip' },
      'flash-file': { type: 'string' },
      baud: { type: 'string', default: '921600' },
      uid: { type: 'string', default: 'e661640843215a2c' },
      usb: { type: 'string' },
      port: { type: 'string', default: '0' },
      'usb-port': { type: 'string', default: '0' },
      'control-port': { type: 'string', default: '0' },
      'exit-with-parent': { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  if (!values.image && !values['flash-file']) {
    throw new Error('--image is required');
  }
  if (!['xip', 'zero-wait'].includes(values['flash-model'])) {
    throw new Error(`--flash-model: ${values['flash-model']} is neither xip nor zero-wait`);
  }
  if (values.usb !== undefined && !['strict', 'rp2040js'].includes(values.usb)) {
    throw new Error(`--usb: ${values.usb} is neither strict nor rp2040js`);
  }
  if (!new RegExp(`^[0-9a-f]{${UID_BYTES * 2}}$`, 'i').test(values.uid)) {
    throw new Error(`--uid: ${UID_BYTES * 2} hex digits are needed`);
  }
  const image = values.image ? readFileSync(values.image) : null;
  if (image && image.length > FLASH_BYTES) {
    throw new Error(`${values.image}: ${image.length} bytes, the flash has ${FLASH_BYTES}`);
  }
  if (!(Number(values.baud) > 0)) {
    throw new Error(`--baud: ${values.baud} is not a rate`);
  }
  return { ...values, image };
}

async function main() {
  const values = readOptions(USAGE, options);
  const line = new SerialLine(Number(values.baud), (bytes) => uart.send(bytes));
  const deliver = (bytes) => usbServer.send(bytes);
  const usb = values.usb && (values.usb === 'strict' ? new UsbHost(deliver) : new UsbCdc(deliver));
  const program = new Program(values);
  const board = new Board(
    {
      image: values.image,
      flashFile: values['flash-file'] ?? null,
      xipModelled: values['flash-model'] === 'xip',
      usbModelled: values.usb !== 'rp2040js',
      description: `rp2040js ${RP2040JS_VERSION} ${values['flash-model']}`,
      uid: Buffer.from(values.uid, 'hex'),
    },
    usb ? [line, usb] : [line],
    program.events,
  );
  const uart = new LineServer(board, line);
  const usbServer = usb && new LineServer(board, usb);
  const links = {
    uart: { server: uart, port: Number(values.port) },
    ...(usb && { usb: { server: usbServer, port: Number(values['usb-port']) } }),
  };
  await program.run(board, links, {
    controlPort: Number(values['control-port']),
    exitWithParent: values['exit-with-parent'],
    handlers: values.usb === 'strict' ? { usb: usbCommand(usb, board, usbServer) } : {},
    save: () => board.saveFlash(),
  });
}

await main();
