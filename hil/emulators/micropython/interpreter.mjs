/** MicroPython's WebAssembly port with the files of the agent in /agent, which is on its path. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadMicroPython } from '@micropython/micropython-webassembly-pyscript/micropython.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const AGENT = join(HERE, '..', '..', '..', 'agent', 'micropython');

/** Copies the Python files of a folder, and of those in it, into the interpreter's file system. */
function copyFolder(fs, from, to) {
  fs.mkdir(to);
  for (const name of readdirSync(from)) {
    const source = join(from, name);
    if (statSync(source).isDirectory()) {
      if (name !== '__pycache__') {
        copyFolder(fs, source, `${to}/${name}`);
      }
    } else if (name.endsWith('.py')) {
      fs.writeFile(`${to}/${name}`, readFileSync(source));
    }
  }
}

/**
 * A new interpreter.
 * @param {number} heapBytes
 * @param {(line: string) => void} print
 */
export async function startInterpreter(heapBytes, print) {
  const python = await loadMicroPython({ heapsize: heapBytes, stdout: print, linebuffer: true });
  copyFolder(python.FS, AGENT, '/agent');
  python.FS.writeFile('/agent/hosted.py', readFileSync(join(HERE, 'hosted.py')));
  python.runPython('import sys; sys.path[:0] = ["/agent"]');
  return python;
}
