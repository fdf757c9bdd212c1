import { Consumer } from "./consumer.mjs";
import { Programs } from "./program.mjs";
import { Results } from "./results.mjs";
import { serve } from "./server.mjs";

/** How long a cell may take, in milliseconds, where it names no other limit: only one that hangs takes so long. */
const LIMIT = 600_000;

/** Gives the cells, each of which must have a name of its own: what came of one is told by that. */
export function named(cells) {
  const names = new Set();
  for (const { name } of cells) {
    if (names.has(name)) throw new Error(`two cells are called ${name}`);
    names.add(name);
  }
  return cells;
}

/** Runs cells in a project of their own, one after the other, gives what came of each, and leaves nothing behind. */
export async function* runProject(cells, packages) {
  const consumer = await Consumer.make(packages);
  try {
    for (const cell of cells) yield await runCell(cell, consumer);
  } finally {
    await consumer.remove();
  }
}

/** Runs a cell. What it throws is a failed check. */
async function runCell(cell, consumer) {
  const start = performance.now();
  const results = new Results(cell);
  const context = new Context(consumer, results);
  let version = "?";
  let timer;
  const limit = cell.limit ?? LIMIT;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${limit / 1000} s`)), limit);
  });
  try {
    version = await cell.version(context);
    await Promise.race([cell.run(context), late]);
  } catch (error) {
    results.check(cell.name, error);
  } finally {
    clearTimeout(timer);
    await context.end();
  }
  const seconds = (performance.now() - start) / 1000;
  return { name: cell.name, version, seconds, ...results.end(), output: context.output };
}

/** What a cell works with. */
class Context {
  /** The empty project with the package installed; see there. */
  consumer;
  #results;
  #programs;
  #servers = [];

  constructor(consumer, results) {
    this.consumer = consumer;
    this.#results = results;
    this.#programs = new Programs(consumer);
  }

  /** A check of the cell's own. It passed unless `error` is something. */
  check(name, error) {
    this.#results.check(name, error);
  }

  /** Something worth knowing, shown under the table. */
  note(text) {
    this.#results.note(text);
  }

  /** There is no such thing on this machine, as was found out just now: the cell ends here, and the table says why. */
  absent(reason) {
    this.#results.absent(reason);
  }

  /** Takes the outcome of a case, as `runSuite` reports it. */
  take(outcome) {
    this.#results.take(outcome);
  }

  /** Runs a program to its end, which must be a good one; gives what it printed on its standard output. */
  run(program, args, options) {
    return this.#programs.run(program, args, options);
  }

  /** Runs a program that prints the outcomes of the suite's cases, each a line of JSON, as `guest/print.mjs` does. */
  async runSuite(program, args, options) {
    await this.run(program, args, { ...options, onLine: (line) => this.#takeLine(line) });
  }

  /** Starts a program that goes on, such as a server; it is ended with the cell. */
  start(program, args, options) {
    return this.#programs.start(program, args, options);
  }

  /** Serves a folder on 127.0.0.1, and takes outcomes that are posted to `/outcomes`; see `serve`. */
  async serve(folder, options) {
    const server = await serve(folder, { onOutcome: (outcome) => this.take(outcome), ...options });
    this.#servers.push(server);
    return server;
  }

  /** Takes the outcomes in a stream of lines, such as the body of a `Response`. */
  async takeStream(stream) {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) this.#takeLine(line);
    }
    if (rest !== "") this.#takeLine(rest);
  }

  #takeLine(line) {
    if (line.startsWith('{"name":')) this.take(JSON.parse(line));
    else this.#programs.say(line);
  }

  /** What the programs printed besides outcomes. */
  get output() {
    return this.#programs.output;
  }

  async end() {
    await this.#programs.end();
    for (const server of this.#servers) server.close();
  }
}
