/**
 * The MicroPython agent on MicroPython's WebAssembly port: node main.mjs [--pool-bytes N] [--heap-bytes N]
 *
 * Serves one client at a time on a TCP port of 127.0.0.1 and prints "READY <port>". A reset is a new interpreter.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadMicroPython } from '@micropython/micropython-webassembly-pyscript/micropython.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const AGENT = join(HERE, '..', '..', '..', 'agent', 'micropython');
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

/** Copies the Python files of a folder, and of those in it, into the interpreter's file system. */
function copyFolder(fs, from, to) {
  for (const name of readdirSync(from)) {
    const source = join(from, name);
    if (statSync(source).isDirectory()) {
      if (name !== '__pycache__') {
        fs.mkdir(`${to}/${name}`);
        copyFolder(fs, source, `${to}/${name}`);
      }
    } else if (name.endsWith('.py')) {
      fs.writeFile(`${to}/${name}`, readFileSync(source));
    }
  }
}

async function boot() {
  bootCount += 1;
  resetAsked = false;
  const python = await loadMicroPython({
    heapsize: Number(values['heap-bytes']),
    stdout: (line) => console.error(line),
    linebuffer: true,
  });
  python.FS.mkdir('/agent');
  copyFolder(python.FS, AGENT, '/agent');
  python.FS.writeFile('/agent/hosted.py', readFileSync(join(HERE, 'hosted.py')));
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
import sys
sys.path[:0] = ["/agent"]
import json
import line
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
