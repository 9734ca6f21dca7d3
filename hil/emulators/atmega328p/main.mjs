#!/usr/bin/env node
/**
 * An Arduino UNO on avr8js: `node main.mjs --image uno.hex`.
 *
 * Prints one line `READY {"uart": port, "control": port}` on stdout once the firmware listens. Bytes on the first TCP
 * port are USART0's; the second takes and sends JSON lines (see ../common/server.mjs). Exit codes: 0 told to end,
 * 2 usage, 70 the firmware did what the part does not forgive (the reason is the last line on stderr).
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SerialLine } from '../common/line.mjs';
import { Program, readOptions } from '../common/program.mjs';
import { LineServer } from '../common/server.mjs';
import { Board } from './board.mjs';
import { FLASH_BYTES } from './core.mjs';
import { loadImage } from './image.mjs';

const AVR8JS_VERSION = '0.21.1';

const USAGE = `usage: node main.mjs --image FILE [options]

  --image FILE          firmware, Intel HEX or flat from address 0
  --baud N              rate of the host's end of the line (default 500000)
  --port N              TCP port for USART0 (default 0: any)
  --control-port N      TCP port for commands (default 0: any)
  --exit-with-parent    end when stdin closes or the parent process is gone
`;

function options() {
  const { values } = parseArgs({
    options: {
      image: { type: 'string' },
      baud: { type: 'string', default: '500000' },
      port: { type: 'string', default: '0' },
      'control-port': { type: 'string', default: '0' },
      'exit-with-parent': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  if (!values.image) {
    throw new Error('--image is required');
  }
  if (!(Number(values.baud) > 0)) {
    throw new Error(`--baud: ${values.baud} is not a rate`);
  }
  try {
    return { ...values, flash: loadImage(readFileSync(values.image), FLASH_BYTES) };
  } catch (error) {
    throw new Error(`${values.image}: ${error.message}`);
  }
}

const values = readOptions(USAGE, options);
const line = new SerialLine(Number(values.baud), (bytes) => uart.send(bytes));
const program = new Program();
const board = new Board({ flash: values.flash, description: `avr8js ${AVR8JS_VERSION}` }, [line], program.events);
const uart = new LineServer(board, line);
await program.run(
  board,
  { uart: { server: uart, port: Number(values.port) } },
  { controlPort: Number(values['control-port']), exitWithParent: values['exit-with-parent'] },
);
