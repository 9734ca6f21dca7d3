/**
 * The MicroPython agent on MicroPython's WebAssembly port: node main.mjs [--pool-bytes N] [--heap-bytes N]
 *
 * Serves one client at a time on a TCP port of 127.0.0.1 and prints "READY <port>". A reset is a new interpreter.
 */
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { startInterpreter } from './interpreter.mjs';

const POWER_ON = 1;
const SOFTWARE = 3;

const { values } = parseArgs({
  options: {
    'pool-bytes': { type: 'string', default: String(1 << 20) },
    'heap-bytes': { type: 'string', default: String(8 << 20) },
  },
});

let client = null;
let bootCount = 0;
let feed = null;
let resetAsked = false;

async function boot() {
  bootCount += 1;
  resetAsked = false;
  const python = await startInterpreter(Number(values['heap-bytes']), (line) => console.error(line));
  python.registerJsModule('line', {
    // Bytes cross as hexadecimal text, which both sides convert in compiled code.
    send: (hex) => client?.write(Buffer.from(hex, 'hex')),
    restart: () => (resetAsked = true),
  });
  const facts = {
    pool_bytes: Number(values['pool-bytes']),
    board: 'pc',
    core: 'wasm32',
    emulator: `MicroPython's WebAssembly port, Node ${process.versions.node}`,
    boot_count: bootCount,
    reset_cause: bootCount === 1 ? POWER_ON : SOFTWARE,
  };
  python.runPython(`
import json
import line
import sys
from agent import Agent
from binascii import hexlify, unhexlify
from hosted import HostedPort

facts = json.loads(${JSON.stringify(JSON.stringify(facts))})
release = ".".join(str(part) for part in sys.implementation.version[:3])
facts["interpreter"] = "micropython " + release
facts["build"] = sys.version
facts["uid"] = b""


class Logged(HostedPort):
    def log(self, error):
        sys.print_exception(error)


agent = Agent(Logged(facts, lambda data: line.send(hexlify(data).decode()), line.restart))


def feed(text):
    agent.feed(unhexlify(text))
`);
  feed = python.globals.get('feed');
}

/** One stretch after the other: a boot takes a moment, in which more may arrive. */
let work = Promise.resolve();
function receive(bytes) {
  work = work.then(async () => {
    feed(bytes.toString('hex'));
    if (resetAsked) {
      await boot();
    }
  });
}

await boot();
const server = createServer((socket) => {
  client?.destroy();
  client = socket;
  socket.setNoDelay(true);
  socket.on('data', receive);
  socket.on('error', () => {});
  socket.on('close', () => {
    if (client === socket) {
      client = null;
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(`READY ${server.address().port}`));
// The parent holds the other end: when it dies, so does this.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
