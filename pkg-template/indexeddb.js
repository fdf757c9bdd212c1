/** A journal in a browser's IndexedDB, for any number of tabs and workers at a time. */
import { DagStoreError } from "./error.js";
import { Connection, Failed, UNDO, asked } from "./idb.js";
import { readOptions } from "./options.js";
import { News } from "./news.js";
import { joined, keyOf, parts, rangeOf } from "./parts.js";

/** The layout of the database. */
const VERSION = 1;
/** How many parts are read at a time. */
const ROWS = 64;

/** The last commit. */
const TIP = "tip";
/** What tells this database from another one of the same name. */
const BIRTH = "birth";
/** The checkpoint that counts. */
const CHECKPOINT = "checkpoint";
/** How many checkpoints were begun. */
const BEGUN = "begun";

const NOTHING = { sequence: 0 };

export class IndexedDBJournal {
  #name;
  #durability;
  /** A Promise of the connection. */
  #opening;
  #connection;
  #birth;
  #channel;
  #isClosed = false;
  #isMarked = false;
  #news = new News();

  constructor(name, options) {
    this.#name = checkedName(name);
    this.#durability = readOptions(options, "options", ["durability"]).choice("durability", ["strict", "relaxed"]) ?? "strict";
  }

  static async delete(name) {
    try {
      await asked(factory().deleteDatabase(checkedName(name)));
    } catch (cause) {
      throw storageError(cause);
    }
    mark(name, undefined);
  }

  async open() {
    const connection = await this.#connected();
    if (typeof BroadcastChannel === "function") {
      this.#channel ??= new BroadcastChannel(`dag-store:${this.#name}`);
      this.#channel.onmessage = () => this.#news.tell();
    }
    if (this.#durability === "strict" && connection.durability !== "strict") {
      const message = 'this browser has no strict durability; where that will do, open it with { durability: "relaxed" }';
      throw new DagStoreError("ERR_STORAGE", message);
    }
    return { durability: this.#durability, writers: "many", watch: this.#channel !== undefined, checkpoints: true };
  }

  async append(after, segments) {
    // Made ready first, since a transaction ends by itself as soon as it has nothing to do.
    const rows = segments.flatMap(rowsOf);
    const { sequence, commit } = segments.at(-1);
    const tip = { sequence, commit: commit.slice() };
    const add = (segments, state) => {
      const check = asked(state.get(TIP)).then((found = NOTHING) => {
        if (!isSame(found, after)) throw UNDO;
      });
      // Nobody waits for it where a row can't even be asked for.
      check.catch(() => {});
      for (const [key, row] of rows) segments.put(row, key);
      return Promise.all([check, asked(state.put(tip, TIP))]);
    };
    try {
      await this.#transact("readwrite", ["segments", "state"], add);
    } catch (error) {
      if (error === UNDO) return false;
      throw storageError(error);
    }
    if (!this.#isMarked) mark(this.#name, this.#birth);
    this.#isMarked = true;
    this.#news.tell();
    this.#channel?.postMessage(sequence);
    return true;
  }

  read(after, maxBytes) {
    return this.#look(["segments", "state"], async (segments, state) => {
      const found = [];
      const tip = (await asked(state.get(TIP))) ?? NOTHING;
      let [from, bytes, rows] = [keyOf(after + 1), 0, []];
      while (after < tip.sequence) {
        const batch = await asked(segments.getAll(IDBKeyRange.lowerBound(from), ROWS));
        if (found.length + rows.length === 0 && batch[0]?.sequence !== after + 1) throw compacted();
        for (const row of batch) {
          if (rows.length === 0 && found.length > 0 && bytes >= maxBytes) return found;
          rows.push(row);
          bytes += row.bytes.length;
          const [{ sequence, commit, parts }] = rows;
          from = keyOf(sequence, rows.length);
          if (rows.length < parts) continue;
          found.push({ sequence, commit, bytes: joined(rows.map(({ bytes }) => bytes)) });
          rows = [];
        }
        if (batch.length < ROWS) break;
      }
      return found;
    });
  }

  async changed(after, signal) {
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    for (;;) {
      // Listens before it looks, so that nothing is missed in between.
      const news = this.#news.next();
      if (signal.aborted || this.#isClosed) return;
      const tip = await this.#look(["state"], (state) => asked(state.get(TIP)));
      if (tip?.sequence > after) return;
      await Promise.race([news, aborted]);
    }
  }

  async checkpoint() {
    const found = await this.#look(["state"], (state) => asked(state.get(CHECKPOINT)));
    return found && { sequence: found.sequence, commit: found.commit, stateHash: found.stateHash };
  }

  async writeCheckpoint(meta, chunks) {
    const id = await this.#change(["state"], async (state) => {
      const id = 1 + ((await asked(state.get(BEGUN))) ?? 0);
      state.put(id, BEGUN);
      return id;
    });
    try {
      let count = 0;
      for await (const chunk of chunks) {
        for (const part of parts(chunk).map(own)) {
          const place = count++;
          await this.#change(["chunks"], (chunks) => asked(chunks.put(part, [id, place])));
        }
      }
      return await this.#change(["segments", "chunks", "state"], switchTo(id, meta, count));
    } catch (error) {
      // Where its room can't be given back, the next one does it.
      await this.#change(["chunks"], (chunks) => asked(chunks.delete(chunksOf(id)))).catch(() => {});
      throw error;
    }
  }

  readCheckpoint({ sequence }, index) {
    return this.#look(["chunks", "state"], async (chunks, state) => {
      const current = await asked(state.get(CHECKPOINT));
      if (current?.sequence !== sequence) throw compacted();
      return asked(chunks.get([current.id, index]));
    });
  }

  async status() {
    const storage = globalThis.navigator?.storage;
    const [estimate, persisted] = await Promise.all([storage?.estimate?.(), storage?.persisted?.()]);
    return { bytesUsed: estimate?.usage, bytesQuota: estimate?.quota, persisted };
  }

  async persist() {
    return (await globalThis.navigator?.storage?.persist?.()) ?? false;
  }

  async close() {
    this.#isClosed = true;
    this.#channel?.close();
    this.#connection?.close();
    this.#news.tell();
  }

  /** Runs a task that reads. */
  async #look(names, task) {
    try {
      return await this.#transact("readonly", names, task);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Runs a task that may be done again, should it be unknown whether it was. */
  async #change(names, task) {
    try {
      return await this.#transact("readwrite", names, task);
    } catch (error) {
      throw storageError(error instanceof Failed ? new Failed(error.cause, false) : error);
    }
  }

  /** Runs a transaction; on a new connection, where the browser has dropped the one that there was. */
  async #transact(mode, names, task) {
    const options = { durability: this.#durability };
    const connection = await this.#connected();
    try {
      return await connection.transact(names, mode, options, task);
    } catch (error) {
      const isLost = connection.isLost || error?.name === "InvalidStateError" || error?.cause?.name === "UnknownError";
      if (isLost) this.#drop(connection);
      const isDone = error === UNDO || error instanceof DagStoreError;
      // What may have been written is not written again.
      if (isDone || !isLost || (mode === "readwrite" && error.isInFlight)) throw error;
    }
    return (await this.#connected()).transact(names, mode, options, task);
  }

  #drop(connection) {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#opening = undefined;
    connection.close();
  }

  async #connected() {
    if (this.#isClosed) throw closed();
    if (this.#connection?.isLost) this.#drop(this.#connection);
    const opening = (this.#opening ??= this.#connect());
    try {
      return await opening;
    } catch (error) {
      // The next call tries again.
      if (this.#opening === opening) this.#opening = undefined;
      throw storageError(error);
    }
  }

  async #connect() {
    const request = factory().open(this.#name, VERSION);
    request.onupgradeneeded = () => {
      for (const name of ["segments", "chunks", "state"]) request.result.createObjectStore(name);
      request.transaction.objectStore("state").put(crypto.getRandomValues(new Uint32Array(4)).join("-"), BIRTH);
    };
    const database = await asked(request);
    const connection = new Connection(database);
    try {
      await connection.transact(["state"], "readonly", { durability: this.#durability }, async (state) => {
        connection.durability = state.transaction.durability;
        this.#check(await asked(state.get(BIRTH)), await asked(state.get(TIP)));
      });
      if (this.#isClosed) throw closed();
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#connection = connection;
    return connection;
  }

  /** An empty database in the place of one that was not: then the browser has deleted that. */
  #check(birth, tip) {
    const known = this.#birth ?? marked(this.#name);
    if (known !== undefined && known !== birth) {
      const message =
        `what the journal ${JSON.stringify(this.#name)} held is gone: the browser has deleted it, or somebody has. ` +
        "To begin anew: IndexedDBJournal.delete(name)";
      throw new DagStoreError("ERR_EVICTED", message);
    }
    this.#birth = birth;
    if (tip !== undefined) mark(this.#name, birth);
  }
}

/** Takes a segment apart into rows; the first has what is known of the whole. */
function rowsOf({ sequence, commit, bytes }) {
  const list = parts(bytes).map(own);
  const first = { sequence, commit: own(commit), parts: list.length };
  return list.map((bytes, i) => [keyOf(sequence, i), i === 0 ? { ...first, bytes } : { bytes }]);
}

/** Puts a checkpoint that is whole in the place of the current one. */
const switchTo = (id, { sequence, commit, stateHash }, count) => async (segments, chunks, state) => {
  const current = await asked(state.get(CHECKPOINT));
  const there = await asked(chunks.count(chunksOf(id)));
  // Another that was switched to meanwhile has removed the chunks of those begun before it.
  if (current?.sequence >= sequence || there !== count) {
    await asked(chunks.delete(chunksOf(id)));
    return false;
  }
  state.put({ id, sequence, commit: own(commit), stateHash: own(stateHash) }, CHECKPOINT);
  chunks.delete(IDBKeyRange.upperBound([id], true));
  await asked(segments.delete(IDBKeyRange.upperBound(rangeOf(sequence)[1])));
  return true;
};

const chunksOf = (id) => IDBKeyRange.bound([id], [id + 1], false, true);

/** Bytes without the rest of the memory that they are a view of, which would be stored too. */
const own = (bytes) => (bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice());

const isSame = (tip, after) => tip.sequence === after.sequence && String(tip.commit) === String(after.commit);

/** What the page remembers of a journal, beside the database: that there was something in it. Workers can't. */
const KEY = "dag-store:";
function marked(name) {
  return quietly(() => localStorage.getItem(KEY + name)) ?? undefined;
}
function mark(name, birth) {
  quietly(() => (birth === undefined ? localStorage.removeItem(KEY + name) : localStorage.setItem(KEY + name, birth)));
}

function quietly(task) {
  try {
    return task();
  } catch {
    // There is none here, or the page may not use it.
    return undefined;
  }
}

function factory() {
  if (globalThis.indexedDB) return indexedDB;
  throw new DagStoreError("ERR_STORAGE", "there is no IndexedDB here");
}

function checkedName(name) {
  if (typeof name === "string" && name !== "") return name;
  throw new DagStoreError("ERR_INVALID_ARGUMENT", "the name of the database must be text");
}

/** Says in our words what the browser said in its own. */
function storageError(error) {
  if (error instanceof DagStoreError) return error;
  const cause = error instanceof Failed ? error.cause : error;
  const why = `${cause?.name ?? "no reason was given"}: ${cause?.message ?? ""}`;
  if (cause?.name === "QuotaExceededError") return new DagStoreError("ERR_QUOTA", `the browser gives no more room: ${why}`, { cause });
  if (cause?.name === "VersionError") {
    return new DagStoreError("ERR_UNSUPPORTED_VERSION", "the journal was written by a later version of dag-store", { cause });
  }
  if (error instanceof Failed && error.isInFlight) {
    return new DagStoreError("ERR_OUTCOME_UNKNOWN", `the browser failed while it wrote: ${why}`, { cause });
  }
  return new DagStoreError("ERR_STORAGE", `IndexedDB failed: ${why}`, { cause });
}

function closed() {
  return new DagStoreError("ERR_CLOSED", "the journal is closed");
}

function compacted() {
  return new DagStoreError("ERR_COMPACTED", "a checkpoint has taken the place of what was asked for");
}
