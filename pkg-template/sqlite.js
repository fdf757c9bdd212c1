/** A journal in an SQLite file, by what the runtime brings: `node:sqlite` in Node and Deno, `bun:sqlite` in Bun. */
import { DagStoreError } from "./error.js";
import { News } from "./news.js";
import { readOptions } from "./options.js";
import { SqlJournal } from "./sql-journal.js";
import { turn } from "./turn.js";

/** How often who waits looks for what others have written, in milliseconds. */
const LOOK_MS = 50;
/** How long a write waits for the others, in milliseconds, unless the options say so. */
const BUSY_MS = 5_000;
/** How long an append waits at most until it tries again, in milliseconds. */
const AGAIN_MS = 10;

/** Result codes of SQLite; the lowest byte of an extended one. */
const [BUSY, LOCKED, CORRUPT, FULL, NOT_A_DATABASE] = [5, 6, 11, 13, 26];
const CODES = {
  [BUSY]: ["ERR_CONTENDED", "other processes kept the database busy"],
  [LOCKED]: ["ERR_CONTENDED", "other processes kept the database busy"],
  [CORRUPT]: ["ERR_CORRUPT", "the database is damaged"],
  [FULL]: ["ERR_QUOTA", "there is no room left for the database"],
  [NOT_A_DATABASE]: ["ERR_CORRUPT", "the file is no database"],
};

export class SqliteJournal extends SqlJournal {
  #path;
  #relaxed;
  #busy;
  #opening;
  /** Whether the database was found to be sound once all was read. */
  #isSound = false;
  #news = new News();

  constructor(path, options) {
    const read = readOptions(options, "options", ["name", "durability", "busyTimeout"]);
    super(read);
    if (typeof path !== "string" || path === "") {
      throw new DagStoreError("ERR_INVALID_ARGUMENT", "the path of the database must be text");
    }
    this.#path = path;
    this.#relaxed = read.choice("durability", ["strict", "relaxed"]) === "relaxed";
    this.#busy = read.count("busyTimeout") ?? BUSY_MS;
  }

  async open() {
    this.#opening ??= this.#open();
    await this.#opening;
    return { durability: this.#relaxed ? "relaxed" : "strict", writers: "many", watch: true, checkpoints: true };
  }

  async #open() {
    const database = await openFile(this.#path, this.#busy, this.#relaxed);
    try {
      this.begin(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /**
   * SQLite keeps no queue of writers: who waits looks again, after up to 100 ms, and one that commits without a pause is always
   * first. So this looks often, at random; and lets the event loop go on meanwhile.
   */
  async append(after, segments) {
    const end = performance.now() + this.#busy;
    for (let [tip, given] = [after, segments]; ; ) {
      try {
        const isDone = this.#withoutWaiting(() => this.appendNow(tip, given));
        // What has come meanwhile is on its way to the store: with a turn it waits there, and is the next group.
        await turn();
        return isDone;
      } catch (error) {
        if (error.code !== "ERR_CONTENDED" || performance.now() >= end) throw error;
      }
      // Copied before anything is waited for.
      if (given === segments) [tip, given] = [{ ...after }, segments.map(copyOf)];
      await new Promise((resolve) => setTimeout(resolve, Math.random() * AGAIN_MS));
    }
  }

  #withoutWaiting(task) {
    const { database } = this;
    database.run("PRAGMA busy_timeout = 0");
    try {
      return task();
    } finally {
      database.run(`PRAGMA busy_timeout = ${this.#busy}`);
    }
  }

  async read(after, maxBytes) {
    const segments = await super.read(after, maxBytes);
    if (segments.length === 0 && !this.#isSound) this.#check();
    return segments;
  }

  /**
   * Rows at the end that damage has taken out of the tree would not be missed, so whoever first comes to the end has SQLite look
   * whether all its pages are in their places. It takes a hundredth of the time that replaying takes.
   */
  #check() {
    const [found] = this.database.run("PRAGMA quick_check(1)").map(Object.values).flat();
    if (found !== "ok") throw new DagStoreError("ERR_CORRUPT", `the database is damaged: ${found}`);
    this.#isSound = true;
  }

  /** SQLite tells nobody what other processes write; so this looks, for as long as somebody waits. */
  async changed(after, signal) {
    const goOn = () => this.#news.tell();
    signal.addEventListener("abort", goOn);
    while (!this.isClosed && !signal.aborted && this.tip().sequence <= after) {
      const timer = setTimeout(goOn, LOOK_MS);
      keepNothingAlive(timer);
      await this.#news.next();
      clearTimeout(timer);
    }
    signal.removeEventListener("abort", goOn);
  }

  async status() {
    const [{ bytesUsed }] = this.database.run("SELECT page_count * page_size AS bytesUsed FROM pragma_page_count, pragma_page_size");
    return { bytesUsed };
  }

  async close() {
    this.end()?.close();
    this.#news.tell();
  }
}

const copyOf = ({ sequence, commit, bytes }) => ({ sequence, commit: commit.slice(), bytes: bytes.slice() });

/** A process that has nothing else to do may end. */
function keepNothingAlive(timer) {
  if (globalThis.Deno) Deno.unrefTimer(timer);
  else timer.unref();
}

async function openFile(path, busy, relaxed) {
  const { all, end } = await connect(path);
  const run = (sql, ...values) => told(() => all(sql, values));
  const close = () => told(end);
  try {
    run(`PRAGMA busy_timeout = ${busy}`);
    run("PRAGMA journal_mode = WAL");
    run(`PRAGMA synchronous = ${relaxed ? "NORMAL" : "FULL"}`);
  } catch (error) {
    close();
    throw error;
  }
  const look = (task) => transaction(run, "BEGIN", task);
  const write = (task) => transaction(run, "BEGIN IMMEDIATE", task);
  return { run, look, write, close };
}

/** The database of this runtime: how to run a statement is all that differs. */
async function connect(path) {
  // Not literals, which bundlers would look for.
  const name = globalThis.Bun ? "bun:sqlite" : "node:sqlite";
  let module;
  try {
    module = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  } catch (cause) {
    throw new DagStoreError("ERR_STORAGE", "this runtime brings no SQLite: use Node 22.13 or later, Deno 2.2 or Bun", { cause });
  }
  return told(() => {
    const database = new (module.DatabaseSync ?? module.Database)(path);
    const statements = new Map();
    const all = (sql, values) => {
      if (!statements.has(sql)) statements.set(sql, database.prepare(sql));
      return statements.get(sql).all(...values);
    };
    const end = () => {
      // Bun closes a database only once nothing is prepared any more.
      for (const statement of statements.values()) statement.finalize?.();
      database.close();
    };
    return { all, end };
  });
}

function transaction(run, begin, task) {
  run(begin);
  let outcome;
  try {
    outcome = task();
  } catch (error) {
    rollBack(run);
    throw error;
  }
  try {
    run("COMMIT");
    return outcome;
  } catch (error) {
    rollBack(run);
    if (error.code !== "ERR_STORAGE") throw error;
    throw new DagStoreError("ERR_OUTCOME_UNKNOWN", "the database failed while it wrote", { cause: error.cause });
  }
}

/** Ends a transaction that has failed; SQLite may have done so by itself. */
function rollBack(run) {
  try {
    run("ROLLBACK");
  } catch {
    // There is none any more.
  }
}

/** Runs what may fail in SQLite's words, and says it in ours. */
function told(task) {
  try {
    return task();
  } catch (cause) {
    const result = (cause?.errcode ?? cause?.errno) & 0xff;
    const [code, message] = CODES[result] ?? ["ERR_STORAGE", "the database failed"];
    throw new DagStoreError(code, `${message}: ${cause?.message}`, { cause });
  }
}
