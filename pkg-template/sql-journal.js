import { DagStoreError } from "./error.js";
import { joined, keyOf, parts, rangeOf, sequenceOf } from "./parts.js";

/** What the tables' names begin with, unless the options say otherwise. */
const NAME = "dag_store";
const NAMES = /^[a-z][a-z0-9_]{0,62}$/;

/** How many rows are looked at, at a time. */
const ROWS = 1000;

const TABLES = [
  // A row for each part of a segment; the first has its CID, and how many parts there are.
  "CREATE TABLE IF NOT EXISTS dag_store_segments (id INTEGER PRIMARY KEY, cid BLOB, parts INTEGER, bytes BLOB NOT NULL)",
  `CREATE TABLE IF NOT EXISTS dag_store_checkpoints
    (id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, cid BLOB NOT NULL, state_hash BLOB NOT NULL, chunks INTEGER)`,
  `CREATE TABLE IF NOT EXISTS dag_store_chunks
    (checkpoint INTEGER NOT NULL, place INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (checkpoint, place)) WITHOUT ROWID`,
];

/** The checkpoint that counts: one that has no number of chunks is yet being written, or was given up. */
const CURRENT = "SELECT id, sequence, cid, state_hash FROM dag_store_checkpoints WHERE chunks IS NOT NULL";

/**
 * A journal in the tables of an SQL database that answers at once.
 *
 * @typedef {object} Database
 * @property {(sql: string, ...values: unknown[]) => Record<string, unknown>[]} run runs one statement, gives its rows
 * @property {<T>(task: () => T) => T} look runs a task that reads, and sees one moment
 * @property {<T>(task: () => T) => T} write runs a task that writes, wholly or not at all, and keeps other writers out meanwhile
 */
export class SqlJournal {
  #name;
  /** @type {Database | undefined} */
  #database;
  #isClosed = false;

  /** @param {Options} options of which `name` is this one's */
  constructor(options) {
    this.#name = options.text("name") ?? NAME;
    if (!NAMES.test(this.#name)) options.fail("name", "must be a small letter, then up to 62 small letters, digits and underscores");
  }

  /** The database, once the journal is open. */
  get database() {
    if (this.#isClosed) throw closed();
    return this.#database;
  }

  /** Whether `close` was called. */
  get isClosed() {
    return this.#isClosed;
  }

  /** Begins with this database, unless it was closed meanwhile. */
  begin(database) {
    if (this.#isClosed) throw closed();
    const named = (sql) => (this.#name === NAME ? sql : sql.replaceAll(`${NAME}_`, `${this.#name}_`));
    const run = (sql, ...values) => database.run(named(sql), ...values);
    const there = run("SELECT name FROM sqlite_master WHERE name IN ('dag_store_segments', 'dag_store_checkpoints', 'dag_store_chunks')");
    // Only where they are missing: who only looks needs no lock.
    if (there.length < TABLES.length) database.write(() => TABLES.forEach((table) => run(table)));
    this.#database = { ...database, run };
  }

  /** Ends, and gives the database that it was about. */
  end() {
    const database = this.#database;
    this.#isClosed = true;
    this.#database = undefined;
    return database;
  }

  /** The last commit: that of the last segment, or of the checkpoint that took its place. */
  tip() {
    const { database } = this;
    const [{ last }] = database.run("SELECT max(id) AS last FROM dag_store_segments");
    if (last === null) {
      const [{ sequence, cid } = { sequence: 0 }] = database.run(CURRENT);
      return sequence === 0 ? { sequence } : { sequence, commit: bytesOf(cid) };
    }
    const sequence = sequenceOf(last);
    const [first] = database.run("SELECT cid FROM dag_store_segments WHERE id = ?", keyOf(sequence));
    return { sequence, commit: bytesOf(first?.cid) };
  }

  async append(after, segments) {
    return this.appendNow(after, segments);
  }

  appendNow(after, segments) {
    const { database } = this;
    return database.write(() => {
      const tip = this.tip();
      if (tip.sequence !== after.sequence || String(tip.commit) !== String(after.commit)) return false;
      for (const { sequence, commit, bytes } of segments) {
        const list = parts(bytes);
        list.forEach((part, i) => {
          const first = i === 0 ? [commit, list.length] : [null, null];
          database.run("INSERT INTO dag_store_segments VALUES (?, ?, ?, ?)", keyOf(sequence, i), ...first, part);
        });
      }
      return true;
    });
  }

  async read(after, maxBytes) {
    const { database } = this;
    return database.look(() => {
      const [from] = rangeOf(after + 1);
      const sizes = database.run("SELECT id, parts, length(bytes) AS size FROM dag_store_segments WHERE id >= ? ORDER BY id LIMIT ?", from, ROWS);
      const first = sizes.length === 0 ? this.tip().sequence + 1 : sequenceOf(sizes[0].id);
      if (first > after + 1) throw this.#gone(after);
      let [last, bytes] = [undefined, 0];
      for (const { id, parts, size } of sizes) {
        // The first row of a segment begins another one.
        if (parts !== null && last !== undefined && bytes >= maxBytes) break;
        last = sequenceOf(id);
        bytes += size;
      }
      return last === undefined ? [] : this.#segments(from, rangeOf(last)[1]);
    });
  }

  /** Why the segment after this number is not there, though later ones are. */
  #gone(after) {
    const [current] = this.database.run(CURRENT);
    return current?.sequence > after ? compacted() : damaged();
  }

  /** Reads the segments in these rows. */
  #segments(from, to) {
    const segments = [];
    const rows = this.database.run("SELECT * FROM dag_store_segments WHERE id BETWEEN ? AND ? ORDER BY id", from, to);
    for (let at = 0; at < rows.length; ) {
      const { id, cid, parts } = rows[at];
      const list = rows.slice(at, at + parts);
      // SQLite checks no sums: a damaged row may be anything, or gone.
      if (!(parts > 0) || list.length !== parts || list.some((row, i) => row.id !== id + i)) {
        if (segments.length === 0) throw damaged();
        // The next read is told.
        break;
      }
      segments.push({ sequence: sequenceOf(id), commit: bytesOf(cid), bytes: joined(list.map(({ bytes }) => bytesOf(bytes))) });
      at += parts;
    }
    return segments;
  }

  async checkpoint() {
    const [row] = this.database.run(CURRENT);
    if (row && !(row.sequence > 0)) throw damaged();
    return row && { sequence: row.sequence, commit: bytesOf(row.cid), stateHash: bytesOf(row.state_hash) };
  }

  async writeCheckpoint({ sequence, commit, stateHash }, chunks) {
    const insert = "INSERT INTO dag_store_checkpoints (sequence, cid, state_hash) VALUES (?, ?, ?) RETURNING id";
    const { database } = this;
    const [{ id }] = database.write(() => database.run(insert, sequence, commit, stateHash));
    try {
      let count = 0;
      for await (const chunk of chunks) {
        for (const part of parts(chunk)) {
          const place = count++;
          this.database.write(() => this.database.run("INSERT INTO dag_store_chunks VALUES (?, ?, ?)", id, place, part));
        }
      }
      return this.database.write(() => this.#switch(id, sequence, count));
    } catch (error) {
      this.#giveUp(id);
      throw error;
    }
  }

  /** Puts a checkpoint that is whole in the place of the current one. */
  #switch(id, sequence, count) {
    const { database } = this;
    const [current] = database.run(CURRENT);
    const [{ there }] = database.run("SELECT count(*) AS there FROM dag_store_chunks WHERE checkpoint = ?", id);
    // Another that was switched to meanwhile has removed the chunks of those begun before it.
    if (current?.sequence >= sequence || there !== count) {
      this.#forget("=", id);
      return false;
    }
    database.run("UPDATE dag_store_checkpoints SET chunks = ? WHERE id = ?", count, id);
    this.#forget("<", id);
    database.run("DELETE FROM dag_store_segments WHERE id <= ?", rangeOf(sequence)[1]);
    return true;
  }

  /** Gives back the room of a checkpoint that failed; where that fails too, the next one does it. */
  #giveUp(id) {
    try {
      this.database.write(() => this.#forget("=", id));
    } catch {
      // What made the checkpoint fail is what its writer is told.
    }
  }

  /** Removes a checkpoint, or all that were begun before it. */
  #forget(which, id) {
    const { database } = this;
    database.run(`DELETE FROM dag_store_chunks WHERE checkpoint ${which} ?`, id);
    database.run(`DELETE FROM dag_store_checkpoints WHERE id ${which} ?`, id);
  }

  async readCheckpoint({ sequence }, index) {
    const { database } = this;
    return database.look(() => {
      const [current] = database.run(CURRENT);
      if (current?.sequence !== sequence) throw compacted();
      const [row] = database.run("SELECT bytes FROM dag_store_chunks WHERE checkpoint = ? AND place = ?", current.id, index);
      return row && bytesOf(row.bytes);
    });
  }
}

/** Bytes of whichever kind the database gives them; anything else was not written here. */
function bytesOf(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw damaged();
}

function damaged() {
  return new DagStoreError("ERR_CORRUPT", "the database holds something other than was written");
}

function compacted() {
  return new DagStoreError("ERR_COMPACTED", "a checkpoint has taken the place of what was asked for");
}

function closed() {
  return new DagStoreError("ERR_CLOSED", "the journal is closed");
}
