/** What every emulator program does around its board: READY line, control port, signals, exit codes. */
import { ControlServer } from './server.mjs';

const EXIT_USAGE = 2;
const EXIT_STOPPED = 70;
const PARENT_POLL_MS = 500;
const BOOT_SLICE_CYCLES = 10_000;

/**
 * Options from the command line; a mistake in them ends the process with the usage.
 * @template T
 * @param {string} usage
 * @param {() => T} parse @returns {T}
 */
export function readOptions(usage, parse) {
  try {
    return parse();
  } catch (error) {
    process.stderr.write(`${error.message}\n${usage}`);
    return process.exit(EXIT_USAGE);
  }
}

/** A board must not outlive whoever started it. */
function exitWithParent(end) {
  const parent = process.ppid;
  process.stdin.on('end', end).on('error', end).resume();
  setInterval(() => process.ppid !== parent && end(), PARENT_POLL_MS).unref();
}

/** Runs one board as this process, from its first instruction to the end of the process. */
export class Program {
  /** @param {{ verbose?: boolean }} options verbose: say what the peripherals warn about */
  constructor({ verbose = false } = {}) {
    this.exitCode = 0;
    this.control = null;
    /** What a board reports its doings to. */
    this.events = {
      warn: (message) => verbose && process.stderr.write(`${message}\n`),
      onReset: (cause) => this.control?.send({ event: 'reset', cause }),
      onStop: (report) => {
        this.exitCode = EXIT_STOPPED;
        process.stderr.write(`stopped at ${report.place}: ${report.reason}\n`);
        this.control?.send({ event: 'stopped', ...report });
      },
    };
  }

  /**
   * @param {import('./board.mjs').EmulatedBoard} board
   * @param {Record<string, { server: import('./server.mjs').LineServer, port: number }>} links by name
   * @param {object} options
   * @param {number} options.controlPort
   * @param {boolean} options.exitWithParent
   * @param {object} [options.handlers] of further control commands
   * @param {() => void} [options.save] called before the process ends
   */
  async run(board, links, { controlPort, exitWithParent: bound, handlers = {}, save = () => {} }) {
    const end = () => {
      save();
      process.exit(this.exitCode);
    };
    this.control = new ControlServer(board, handlers, end);
    const ports = {};
    for (const [name, { server, port }] of Object.entries(links)) {
      ports[name] = await server.listen(port);
    }
    ports.control = await this.control.listen(controlPort);
    process.on('SIGTERM', end).on('SIGINT', end);
    if (bound) {
      exitWithParent(end);
    }
    while (board.booting) {
      if (board.runSlice(BOOT_SLICE_CYCLES)) {
        break;
      }
    }
    if (!board.stopped) {
      process.stdout.write(`READY ${JSON.stringify(ports)}\n`);
    }
    await board.run();
    this.control.flushThen(end);
  }
}
