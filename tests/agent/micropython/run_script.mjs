/** Runs a script beside the agent's modules on MicroPython: node run_script.mjs SCRIPT DATA [HEAP_BYTES]; DATA is its data.json. */
import { readFileSync } from 'node:fs';
import { startInterpreter } from '../../../hil/emulators/micropython/interpreter.mjs';

const [script, data, heapBytes = String(4 << 20)] = process.argv.slice(2);
const python = await startInterpreter(Number(heapBytes), (line) => console.log(line));
python.FS.writeFile('/data.json', readFileSync(data));
python.globals.set('DATA', '/data.json');
python.runPython(readFileSync(script, 'utf8'));
