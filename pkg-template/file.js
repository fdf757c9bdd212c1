/** A journal in one file, by `node:fs`, which Node, Deno and Bun have. The Rust crate reads and writes the same files. */
import { DagStoreError } from "./error.js";
import { checkCommit, recordOf } from "./file-format.js";
import { Log, tipOf } from "./file-log.js";
import { Lane } from "./lane.js";
import { readOptions } from "./options.js";

/** Bytes that one append takes: 1 GiB. */
const MAX_APPEND = 1 << 30;

export class FileJournal {
  #path;
  #isReadOnly;
  #opening;
  #log;
  #isClosed = false;
  /** What is done with the file goes one behind the other. */
  #lane = new Lane();

  constructor(path, options) {
    if (typeof path !== "string" || path === "" || path.includes("\0")) {
      throw new DagStoreError("ERR_INVALID_ARGUMENT", "the path of the journal must be text");
    }
    this.#path = path;
    this.#isReadOnly = readOptions(options, "options", ["readOnly"]).flag("readOnly");
  }

  async open() {
    this.#assertOpen();
    this.#opening ??= this.#lane.pass(async () => {
      this.#log = await (this.#isReadOnly ? Log.openReadOnly(this.#path) : Log.open(this.#path));
    });
    await this.#opening;
    return { durability: "strict", writers: "one", watch: false, checkpoints: true, maxAppend: MAX_APPEND };
  }

  async append(after, segments) {
    for (const { commit } of segments) checkCommit(commit);
    if (segments.reduce((sum, { bytes }) => sum + bytes.length, 0) > MAX_APPEND) {
      throw new DagStoreError("ERR_LIMIT", `an append has at most ${MAX_APPEND} bytes`);
    }
    const isNumbered = segments.every(({ sequence }, i) => sequence === after.sequence + 1 + i);
    // Copied before anything is waited for.
    const record = segments.length > 0 ? recordOf(segments, this.#opened().marker) : undefined;
    const tip = segments.length > 0 ? tipOf(segments.at(-1)) : undefined;
    return this.#with((log) => {
      if (!log.endsWith(after)) return false;
      if (!isNumbered) {
        throw new DagStoreError("ERR_INVALID_ARGUMENT", "segments must be numbered on from the commit they come after");
      }
      return record === undefined || log.append(tip, record);
    });
  }

  async read(after, maxBytes) {
    return this.#with((log) => log.read(after, maxBytes));
  }

  async checkpoint() {
    return this.#with((log) => log.checkpoint());
  }

  async readCheckpoint(checkpoint, part) {
    return this.#with((log) => log.part(checkpoint, part));
  }

  /** Only the first and the last step keep others waiting. */
  async writeCheckpoint(checkpoint, parts) {
    const draft = await this.#with((log) => log.draft(checkpoint));
    if (draft === undefined) return false;
    try {
      for await (const part of parts) await draft.add(part);
      return await this.#with((log) => log.switch(draft));
    } finally {
      await draft.giveUp();
    }
  }

  async status() {
    return this.#with((log) => log.status());
  }

  async close() {
    this.#isClosed = true;
    await this.#lane.pass(async () => {
      const log = this.#log;
      this.#log = undefined;
      await log?.close();
    });
  }

  async #with(task) {
    const log = this.#opened();
    return this.#lane.pass(() => task(log));
  }

  #opened() {
    this.#assertOpen();
    if (this.#log === undefined) throw new DagStoreError("ERR_INVALID_ARGUMENT", "open the journal first");
    return this.#log;
  }

  #assertOpen() {
    if (this.#isClosed) throw new DagStoreError("ERR_CLOSED", "the journal is closed");
  }
}
