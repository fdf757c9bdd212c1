import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import path from "node:path";

/** How much of what programs print is kept, in characters: the end of it. */
const KEPT = 20_000;

/** Process groups that run now: they are ended with this process, however it ends. */
const groups = new Set();
const endAll = () => groups.forEach(endGroup);
process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

/** Ends a program and all that it started. */
function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** The programs that a cell runs: in the consumer's folder, with a home folder that goes with it. */
export class Programs {
  output = "";
  #consumer;
  #running = [];

  constructor(consumer) {
    this.#consumer = consumer;
  }

  /** Keeps a line that is shown when the cell fails. */
  say(line) {
    this.output = `${this.output}${line}\n`.slice(-KEPT);
  }

  /** Starts a program. `onLine` is told each line of its standard output; else they are kept. */
  start(program, args = [], { cwd = ".", env = {}, onLine } = {}) {
    const child = spawn(program, args, {
      cwd: path.join(this.#consumer.folder, cwd),
      env: { ...process.env, HOME: this.#consumer.home, XDG_CONFIG_HOME: this.#consumer.home, XDG_CACHE_HOME: this.#consumer.home, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what it starts can be ended with it.
      detached: true,
    });
    if (child.pid !== undefined) groups.add(child.pid);
    const running = new Program(child, onLine, (line) => this.say(line));
    this.#running.push(running);
    return running;
  }

  async run(program, args, options) {
    const running = this.start(program, args, options);
    const status = await running.ended;
    if (status !== 0) throw new Error(`${path.basename(program)} ${args.join(" ")}: ended with ${status}`);
    return running.stdout;
  }

  async end() {
    await Promise.all(this.#running.map((program) => program.stop()));
  }
}

class Program {
  /** What it printed on its standard output, where nobody took the lines. */
  stdout = "";
  /** The status it ends with, or the signal. Rejected where it could not be started. */
  ended;
  #pid;
  #lines = [];
  #waiting = new Set();

  constructor(child, onLine, say) {
    this.#pid = child.pid;
    const read = async (stream, take) => {
      for await (const line of createInterface({ input: stream })) {
        take(line);
        this.#lines.push(line);
        for (const look of this.#waiting) look();
      }
    };
    const out = onLine ?? ((line) => {
      this.stdout += `${line}\n`;
      say(line);
    });
    const printed = Promise.all([read(child.stdout, out), read(child.stderr, say)]);
    this.ended = once(child, "close").then(async ([status, signal]) => {
      groups.delete(child.pid);
      await printed;
      return status ?? signal;
    });
    this.ended.catch(() => {});
  }

  /** Waits until it has printed a line that matches; gives the match. */
  async printed(pattern) {
    const found = new Promise((resolve) => {
      const look = () => {
        const match = this.#lines.map((line) => pattern.exec(line)).find(Boolean);
        if (match) resolve(match);
      };
      this.#waiting.add(look);
      look();
    });
    return Promise.race([found, this.ended.then((status) => Promise.reject(new Error(`ended with ${status} before it printed ${pattern}`)))]);
  }

  /** Whether it has printed a line that matches, so far. */
  hasPrinted(pattern) {
    return this.#lines.some((line) => pattern.test(line));
  }

  /** Sends it a signal, which it may take for a wish. */
  signal(name) {
    process.kill(this.#pid, name);
  }

  /** Ends it, if it hasn't ended. */
  async stop() {
    if (this.#pid === undefined) return;
    if (groups.has(this.#pid)) endGroup(this.#pid);
    await this.ended;
  }
}
