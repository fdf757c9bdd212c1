import { open, realpath, rename, unlink } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { DagStoreError } from "./error.js";
import {
  HEADER_BYTES,
  HEAD_BYTES,
  LONGEST_PART,
  MARKER_BYTES,
  readHead,
  readHeader,
  recordOfPart,
  segmentsIn,
  writeHeader,
} from "./file-format.js";
import { Lock } from "./file-lock.js";
import { Window, readAt, writeAt } from "./file-window.js";

/** Bytes of the file between two entries of the index. */
const STRIDE = 1 << 20;
/** What the system says where there is no room. */
const FULL = ["ENOSPC", "EDQUOT", "EFBIG"];

/** An open journal file. Its methods are called one after the other. */
export class Log {
  #path;
  #handle;
  #marker;
  /** The checkpoint that the file begins with. */
  #placed;
  /** Where the parts of the checkpoint begin, as far as that is known. */
  #parts = [HEADER_BYTES];
  /** Where the sound records end, and with which commit. */
  #end;
  #tip;
  /** Of some records, in order: the number of the first segment, and where the record begins. */
  #index = [];
  /** Up to where the last read came: a sequence number, and where the record after it may begin. */
  #reached;
  /** Bytes of a torn write that opening cut off. */
  #cut = 0;
  /** Where the damage is that ends what can be read, if there is any. */
  #damage;
  /** The right to write; none where the journal is only read. */
  #lock;
  /** Set once what is on the medium can't be known. */
  #isLost = false;
  /** Of the last checkpoint that was begun. */
  #drafts = 0;

  /** Opens a journal to write it; makes it where there is none. */
  static async open(given) {
    const log = new Log();
    const where = await told("opening", given, () => resolved(given));
    log.#path = where;
    log.#lock = await told("taking the lock of", where, () => Lock.take(where));
    try {
      await told("opening", where, async () => {
        await remove(draftOf(where));
        log.#handle = await openFile(where);
      });
      await log.#scan();
      if (log.#damage !== undefined) throw log.#damaged(log.#damage);
      if (log.#cut > 0) {
        await told("cutting a torn write off", where, async () => {
          await log.#handle.truncate(log.#end);
          await log.#handle.sync();
        });
      }
    } catch (error) {
      await log.close();
      throw error;
    }
    return log;
  }

  /** Opens a journal to read it, damaged or not, without a lock and without changing it. */
  static async openReadOnly(where) {
    const log = new Log();
    log.#path = where;
    log.#handle = await told("opening", where, () => open(where, "r"));
    try {
      await log.#scan();
    } catch (error) {
      await log.close();
      throw error;
    }
    return log;
  }

  /** Reads all records of segments once. */
  async #scan() {
    const length = await told("reading", this.#path, async () => (await this.#handle.stat()).size);
    const window = this.#window(length);
    const header = readHeader(await this.#reading(() => window.get(0, HEADER_BYTES)));
    if (header === undefined) throw this.#corrupt("not a journal, or its header is damaged", 0);
    if (header.later !== undefined) {
      const message = `${this.#path} has format ${header.later} of journal files; update the library to read it`;
      throw new DagStoreError("ERR_UNSUPPORTED_VERSION", message);
    }
    this.#marker = header.marker;
    this.#placed = header.placed;
    this.#end = this.#start;
    if (this.#start < HEADER_BYTES || this.#start > length) {
      throw this.#corrupt("the checkpoint is not there as a whole", length);
    }
    this.#tip = this.#placed ? tipOf(this.#placed.checkpoint) : { sequence: 0 };
    this.#reached = { sequence: this.#tip.sequence, at: this.#end };
    while (this.#end < length) {
      const record = await this.#reading(() => window.record(this.#end, this.#marker));
      if (record && this.#take(record)) continue;
      const isLater = await this.#reading(() => this.#hasLaterHead(window));
      if (isLater) this.#damage = this.#end;
      else this.#cut = length - this.#end;
      break;
    }
  }

  /** Takes the record at the end, if it follows what is before it. */
  #take({ head, body }) {
    const next = this.#tip.sequence + 1;
    const segments = segmentsIn(head, body);
    const last = segments?.at(-1);
    // After a checkpoint the first record may begin with commits before it.
    const follows = head.sequence === next || (this.#index.length === 0 && head.sequence < next);
    if (!last || !follows || last.sequence < next || !Number.isSafeInteger(last.sequence)) return false;
    this.#grew(head.sequence, HEAD_BYTES + head.length, tipOf(last));
    return true;
  }

  #grew(first, bytes, tip) {
    if (this.#end - (this.#index.at(-1)?.at ?? -Infinity) >= STRIDE) this.#index.push({ first, at: this.#end });
    this.#end += bytes;
    this.#tip = tip;
  }

  /**
   * Whether the head of a record with later segments stands after the one at the end.
   *
   * A record is only begun once the one before it is on the medium. So where a later one was begun, a record that is not
   * sound has been damaged since; and where none was, it may be a write that broke off.
   */
  async #hasLaterHead(window) {
    for (let at = this.#end + 1; ; at++) {
      at = await window.find(at, this.#marker);
      if (at === undefined) return false;
      const head = readHead(await window.get(at, HEAD_BYTES), this.#marker);
      if (head && head.segments > 0 && head.sequence > this.#tip.sequence + 1) return true;
    }
  }

  /** What all records of this file begin with. */
  get marker() {
    return this.#marker;
  }

  /** Whether this is the last commit, and another one may follow it. */
  endsWith({ sequence, commit }) {
    this.#assertWritable();
    return this.#tip.sequence === sequence && isSame(this.#tip.commit, commit);
  }

  /** Appends a record, made of segments that follow the last commit and end with `tip`. */
  async append(tip, record) {
    try {
      await writeAt(this.#handle, this.#end, record);
    } catch (error) {
      throw await this.#cutBack(error);
    }
    try {
      await this.#handle.datasync();
    } catch (error) {
      // Whether it is written, only the medium knows; and asking again would be told that it is.
      throw this.#lost("writing", error);
    }
    this.#grew(this.#tip.sequence + 1, record.length, tip);
    return true;
  }

  /** Takes back what there is of a record that could not be written. */
  async #cutBack(error) {
    try {
      await this.#handle.truncate(this.#end);
      await this.#handle.sync();
    } catch {
      return this.#lost("writing", error);
    }
    return storageError("writing", this.#path, error);
  }

  async read(after, maxBytes) {
    this.#assertSure();
    if (after < (this.#placed?.checkpoint.sequence ?? 0)) throw compacted(this.#placed);
    if (after >= this.#tip.sequence) {
      if (this.#damage !== undefined) throw this.#damaged(this.#damage);
      return [];
    }
    const window = this.#window(this.#end);
    const found = [];
    let [at, bytes, sequence] = [this.#placeOf(after + 1), 0, after];
    const reached = () => {
      this.#reached = { sequence, at };
      return found;
    };
    while (at < this.#end) {
      const record = await this.#reading(() => window.record(at, this.#marker));
      const segments = record && record.head.sequence <= sequence + 1 && segmentsIn(record.head, record.body);
      if (!segments) throw this.#damaged(at);
      for (const segment of segments) {
        if (segment.sequence <= sequence) continue;
        if (found.length > 0 && bytes >= maxBytes) return reached();
        bytes += segment.bytes.length;
        sequence = segment.sequence;
        found.push({ ...segment, bytes: new Uint8Array(segment.bytes) });
      }
      at += HEAD_BYTES + record.head.length;
    }
    return reached();
  }

  /** Where to begin looking for a segment: at its record, or at one before it. */
  #placeOf(sequence) {
    if (this.#reached.sequence + 1 === sequence) return this.#reached.at;
    let [low, high] = [0, this.#index.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#index[middle].first <= sequence) low = middle + 1;
      else high = middle;
    }
    return this.#index[low - 1]?.at ?? this.#start;
  }

  checkpoint() {
    this.#assertSure();
    return this.#placed && copyOf(this.#placed.checkpoint);
  }

  async part(checkpoint, number) {
    this.#assertSure();
    const placed = this.#placed;
    if (!placed || !isSameCheckpoint(placed.checkpoint, checkpoint)) throw compacted(placed);
    if (number >= placed.parts) return undefined;
    const window = this.#window(placed.end);
    for (;;) {
      // Parts are found one after the other, and each is asked for after the one before.
      const known = this.#parts.length - 1;
      const place = Math.min(number, known);
      const at = this.#parts[place];
      const record = await this.#reading(() => window.record(at, this.#marker));
      if (record?.head.segments !== 0 || record.head.sequence !== place) {
        throw this.#corrupt("a part of the checkpoint is damaged", at);
      }
      if (place === known) this.#parts.push(at + HEAD_BYTES + record.head.length);
      if (place === number) return new Uint8Array(record.body);
    }
  }

  /** Begins a checkpoint; `undefined` if one of the same or a later commit is there. */
  async draft(checkpoint) {
    this.#assertWritable();
    const { sequence, commit } = checkpoint;
    if ((this.#placed?.checkpoint.sequence ?? 0) >= sequence) return undefined;
    if (sequence > this.#tip.sequence || (sequence === this.#tip.sequence && !isSame(commit, this.#tip.commit))) {
      throw new DagStoreError("ERR_INVALID_ARGUMENT", "a checkpoint of a commit that is not in the journal");
    }
    const number = ++this.#drafts;
    const isLatest = () => this.#drafts === number;
    return Draft.begin(draftOf(this.#path), this.#marker, copyOf(checkpoint), isLatest);
  }

  /** Puts a checkpoint, and the segments after it, in the place of the file. */
  async switch(draft) {
    this.#assertWritable();
    const { checkpoint } = draft.placed;
    if ((this.#placed?.checkpoint.sequence ?? 0) >= checkpoint.sequence || !draft.isLatest()) return false;
    const from = await this.#recordWith(checkpoint.sequence + 1);
    const placed = { ...draft.placed };
    await told("writing", draft.path, () => draft.finish(this.#path, this.#handle, from, this.#end));
    const old = this.#handle;
    try {
      await syncFolderOf(this.#path);
    } catch (error) {
      // After a loss of power the file could be the old one, and what is appended from now on lost.
      throw this.#lost("switching to the checkpoint of", error);
    }
    this.#handle = draft.release();
    this.#index = this.#index.filter(({ at }) => at >= from).map(({ first, at }) => ({ first, at: at - from + placed.end }));
    this.#end += placed.end - from;
    this.#placed = placed;
    this.#parts = [HEADER_BYTES];
    this.#reached = { sequence: checkpoint.sequence, at: placed.end };
    await old.close().catch(() => {});
    return true;
  }

  /** Where the record with a segment begins; the end if there is none. */
  async #recordWith(sequence) {
    if (sequence > this.#tip.sequence) return this.#end;
    const window = this.#window(this.#end);
    for (let at = this.#placeOf(sequence); ; ) {
      const record = await this.#reading(() => window.record(at, this.#marker));
      if (!record) throw this.#damaged(at);
      if (sequence < record.head.sequence + record.head.segments) return at;
      at += HEAD_BYTES + record.head.length;
    }
  }

  status() {
    return { bytesUsed: this.#end, bytesCut: this.#cut };
  }

  async close() {
    await this.#handle?.close().catch(() => {});
    if (!this.#lock) return;
    // A checkpoint in the midst of being written finds that the name is no longer its own.
    this.#drafts++;
    await remove(draftOf(this.#path)).catch(() => {});
    await this.#lock.release();
  }

  /** Where the segments begin. */
  get #start() {
    return this.#placed?.end ?? HEADER_BYTES;
  }

  #window(length) {
    return new Window(this.#handle, length);
  }

  #reading(task) {
    return told("reading", this.#path, task);
  }

  #assertWritable() {
    this.#assertSure();
    if (!this.#lock) throw new DagStoreError("ERR_INVALID_ARGUMENT", "the journal was opened to be read only");
  }

  #assertSure() {
    if (!this.#isLost) return;
    const message = "an earlier write failed so that what is written is unknown: open the journal again";
    throw new DagStoreError("ERR_NEEDS_REOPEN", message);
  }

  #lost(what, cause) {
    this.#isLost = true;
    const message = `${what} ${this.#path} failed, and whether it happened is unknown: open it again`;
    return new DagStoreError("ERR_OUTCOME_UNKNOWN", message, { cause });
  }

  #damaged(at) {
    return this.#corrupt("a record is damaged, and later ones are there", at);
  }

  #corrupt(what, offset) {
    return new DagStoreError("ERR_CORRUPT", `${this.#path}: ${what} (at byte ${offset})`, { offset });
  }
}

/** A checkpoint that is being written, in a file beside the journal. */
class Draft {
  path;
  placed;
  isLatest;
  #handle;
  #marker;

  static async begin(where, marker, checkpoint, isLatest) {
    const draft = new Draft();
    draft.path = where;
    draft.placed = { checkpoint, parts: 0, end: HEADER_BYTES };
    draft.isLatest = isLatest;
    draft.#marker = marker;
    await told("creating", where, async () => {
      await remove(where);
      draft.#handle = await open(where, "wx+");
    });
    return draft;
  }

  /** Adds a part, of any length. */
  async add(part) {
    for (let from = 0; from < part.length; from += LONGEST_PART) {
      const record = recordOfPart(this.placed.parts, part.subarray(from, from + LONGEST_PART), this.#marker);
      await told("writing", this.path, () => writeAt(this.#handle, this.placed.end, record));
      this.placed.end += record.length;
      this.placed.parts++;
    }
  }

  /** Adds what follows it in the journal, and takes the journal's name. */
  async finish(name, journal, from, to) {
    let end = this.placed.end;
    for (let at = from; at < to; at += STRIDE) {
      const bytes = await readAt(journal, at, Math.min(STRIDE, to - at));
      await writeAt(this.#handle, end, bytes);
      end += bytes.length;
    }
    await writeAt(this.#handle, 0, writeHeader(this.#marker, this.placed));
    await this.#handle.sync();
    await rename(this.path, name);
  }

  /** Hands over the file, which is the journal now. */
  release() {
    const handle = this.#handle;
    this.#handle = undefined;
    return handle;
  }

  /** Removes what was not finished. */
  async giveUp() {
    await this.#handle?.close().catch(() => {});
    // Once another was begun, the name is that one's. What stays, opening removes.
    if (this.isLatest()) await remove(this.path).catch(() => {});
  }
}

/** Opens the file of a journal, which is there as a whole or is made so. */
async function openFile(where) {
  try {
    return await open(where, "r+");
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  const draft = draftOf(where);
  const handle = await open(draft, "wx");
  try {
    await writeAt(handle, 0, writeHeader(crypto.getRandomValues(new Uint8Array(MARKER_BYTES))));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, where);
  await syncFolderOf(where);
  return open(where, "r+");
}

/** The path of the file itself, whatever links lead there: lock and checkpoint go by it. */
async function resolved(where) {
  try {
    return await realpath(where);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return path.join(await realpath(path.dirname(where)), path.basename(where));
  }
}

/** Makes a new name last. Windows does that by itself, and opens no folders. */
async function syncFolderOf(where) {
  if (process.platform === "win32") return;
  const folder = await open(path.dirname(where), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function remove(where) {
  try {
    await unlink(where);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

const draftOf = (where) => `${where}.new`;

/** Runs what may fail in the system's words, and says it in ours. */
async function told(what, where, task) {
  try {
    return await task();
  } catch (error) {
    throw error instanceof DagStoreError ? error : storageError(what, where, error);
  }
}

function storageError(what, where, cause) {
  const code = FULL.includes(cause?.code) ? "ERR_QUOTA" : "ERR_STORAGE";
  return new DagStoreError(code, `${what} ${where} failed: ${cause?.message}`, { cause });
}

function compacted(placed) {
  const message = `a checkpoint stands in the place of the commits up to ${placed?.checkpoint.sequence ?? 0}`;
  return new DagStoreError("ERR_COMPACTED", message);
}

/** Where a chain of commits ends. */
export const tipOf = ({ sequence, commit }) => ({ sequence, commit: commit.slice() });

const copyOf = ({ sequence, commit, stateHash }) => ({ sequence, commit: commit.slice(), stateHash: stateHash.slice() });

const isSame = (a, b) => a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);

const isSameCheckpoint = (a, b) =>
  a.sequence === b.sequence && isSame(a.commit, b.commit) && isSame(a.stateHash, b.stateHash);
