import { DagStoreError } from "./error.js";
import { News } from "./news.js";

/** What a {@link MemoryJournal} writes to: gone with the process. Journals on the same one see each other's segments. */
export class MemoryMedium {
  segments = [];
  /** The current checkpoint: what it says of itself, and its chunks. */
  checkpoint;
  /** Wakes those who wait for segments. */
  news = new News();

  /** The last commit, which the checkpoint may stand for. */
  get tip() {
    return this.segments.at(-1) ?? this.checkpoint?.meta ?? { sequence: 0 };
  }
}

/** A journal in memory: the smallest there is, for tests, and to begin from when you write one. */
export class MemoryJournal {
  #medium;
  #isClosed = false;

  constructor(medium = new MemoryMedium()) {
    this.#medium = medium;
  }

  async open() {
    return { durability: "relaxed", writers: "many", watch: true, checkpoints: true };
  }

  async append(after, segments) {
    this.#assertOpen();
    if (!isSame(this.#medium.tip, after)) return false;
    this.#medium.segments.push(...segments.map(copy));
    this.#medium.news.tell();
    return true;
  }

  async read(after, maxBytes) {
    this.#assertOpen();
    const { segments, tip } = this.#medium;
    if (after < tip.sequence && !(segments[0]?.sequence <= after + 1)) throw compacted();
    const read = [];
    let bytes = 0;
    for (const segment of segments.filter(({ sequence }) => sequence > after)) {
      if (read.length > 0 && bytes >= maxBytes) break;
      bytes += segment.bytes.length;
      read.push(copy(segment));
    }
    return read;
  }

  async changed(after, signal) {
    const { news } = this.#medium;
    const goOn = () => news.tell();
    signal.addEventListener("abort", goOn);
    while (!this.#isClosed && !signal.aborted && this.#medium.tip.sequence <= after) await news.next();
    signal.removeEventListener("abort", goOn);
  }

  async checkpoint() {
    this.#assertOpen();
    return this.#medium.checkpoint?.meta;
  }

  async writeCheckpoint(meta, chunks) {
    this.#assertOpen();
    const taken = [];
    for await (const chunk of chunks) taken.push(chunk.slice());
    const { checkpoint, segments } = this.#medium;
    if (checkpoint?.meta.sequence >= meta.sequence) return false;
    this.#medium.checkpoint = { meta: { ...meta }, chunks: taken };
    this.#medium.segments = segments.filter(({ sequence }) => sequence > meta.sequence);
    return true;
  }

  async readCheckpoint(meta, index) {
    this.#assertOpen();
    const { checkpoint } = this.#medium;
    if (checkpoint?.meta.sequence !== meta.sequence) throw compacted();
    return checkpoint.chunks[index]?.slice();
  }

  async close() {
    this.#isClosed = true;
    this.#medium.news.tell();
  }

  #assertOpen() {
    if (this.#isClosed) throw new DagStoreError("ERR_CLOSED", "the journal is closed");
  }
}

function isSame(tip, after) {
  return tip.sequence === after.sequence && String(tip.commit) === String(after.commit);
}

function copy({ sequence, commit, bytes }) {
  return { sequence, commit: commit.slice(), bytes: bytes.slice() };
}

function compacted() {
  return new DagStoreError("ERR_COMPACTED", "a checkpoint has taken the place of what was asked for");
}
