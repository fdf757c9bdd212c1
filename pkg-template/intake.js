import { DagStoreError } from "./error.js";
import { CID_BYTES } from "./id.js";
import { HEAD_BYTES, borrowEncoder, encodeBlock, encodeId, encodeNode, giveBack, overfull } from "./record.js";
import { Source } from "./source.js";

/** The first slice is taken within the call: always the same part, however long that takes. */
const FIRST = { count: 1024, bytes: 1 << 20, milliseconds: Infinity };
/**
 * The others are done in a turn of the event loop each: so many things, bytes or milliseconds, whichever
 * comes first. Where clocks stand still while code runs, the other two have to do.
 */
const NEXT = { count: 256, bytes: 1 << 18, milliseconds: 4 };

/** What can be taken in. Of each one's bytes, `head` are not its block's. */
const NODES = { name: "nodes", most: "operations of the batch", encode: encodeNode, head: HEAD_BYTES + CID_BYTES };
const BLOCKS = { name: "blocks", most: "operations of the batch", encode: encodeBlock, head: HEAD_BYTES };
const IDS = { name: "ids", most: "ids in one call", encode: encodeId, head: CID_BYTES };

/** Takes in nodes, from an iterable of either kind. */
export function takeNodes({ nodes }, limits) {
  const asynchronous = iteratorOf(nodes, Symbol.asyncIterator);
  return new Intake(NODES, nodes, asynchronous ?? iteratorOf(nodes, Symbol.iterator), asynchronous !== undefined, limits);
}

/** Takes in blocks, from a list. */
export function takeBlocks({ blocks }, limits) {
  return new Intake(BLOCKS, blocks, blocks.values(), false, limits);
}

/** Takes in ids, from an iterable. */
export function takeIds(ids, limits) {
  return new Intake(IDS, ids, iteratorOf(ids, Symbol.iterator), false, limits);
}

/** What a caller gives many of, one after another, encoded a slice at a time. */
class Intake {
  /** How many were taken in. */
  count = 0;
  /** How many there are, where that is known. */
  total;
  /** Whether all were taken in. */
  isWhole = false;
  #kind;
  #source;
  #limits;
  #encoder;
  /** The bytes of all blocks so far. */
  #bytes = 0;
  /** When this slice is full. */
  #full;

  constructor(kind, given, iterator, isAsync, limits) {
    if (iterator === undefined) throw new DagStoreError("ERR_INVALID_ARGUMENT", `${kind.name} must be iterable`);
    this.#kind = kind;
    this.#source = new Source(`the ${kind.name}`, iterator, isAsync);
    this.#limits = limits;
    this.#encoder = borrowEncoder();
    if (Array.isArray(given)) this.total = given.length;
  }

  /** Whether it has to be waited for. */
  get isAsync() {
    return this.#source.isAsync;
  }

  /** The slice that was read, until the next one is. */
  get slice() {
    return this.#encoder.bytes.subarray(0, this.#encoder.at);
  }

  /** Reads the first slice. */
  readFirst() {
    this.#read(FIRST);
  }

  /** Reads the next slice. */
  read() {
    this.#read(NEXT);
  }

  /** Reads the next slice as it comes, unless the work is given up. */
  async readAsync(work) {
    this.#begin(NEXT);
    do this.#take(await this.#source.readAsync(work));
    while (!this.#isFull());
  }

  /** Ends it: gives back what was borrowed, and tells the iterator if there is more in it. */
  close() {
    const encoder = this.#encoder;
    this.#encoder = undefined;
    if (encoder !== undefined) giveBack(encoder);
    this.#source.close();
  }

  #read(slice) {
    this.#begin(slice);
    try {
      do this.#take(this.#source.read());
      while (!this.#isFull());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #begin({ count, bytes, milliseconds }) {
    this.#encoder.at = 0;
    const time = milliseconds === Infinity ? Infinity : Date.now() + milliseconds;
    this.#full = { count: this.count + count, bytes, time };
  }

  #take({ done, value }) {
    if (done) {
      this.isWhole = true;
      this.#source.end();
      return;
    }
    const { encode, most, head } = this.#kind;
    const { batchOperations, batchBytes } = this.#limits;
    const encoder = this.#encoder;
    if (this.count === batchOperations) overfull(most, batchOperations);
    const before = encoder.at;
    encode(encoder, value, this.#limits, this.count++);
    this.#bytes += encoder.at - before - head;
    if (this.#bytes > batchBytes) overfull("block bytes of the batch", batchBytes);
  }

  #isFull() {
    const { count, bytes, time } = this.#full;
    if (this.isWhole || this.count === count || this.#encoder.at >= bytes) return true;
    return time !== Infinity && Date.now() >= time;
  }
}

/** The iterator of this kind that a caller's object gives, if it does. */
function iteratorOf(given, symbol) {
  const method = typeof given === "string" ? undefined : given?.[symbol];
  return typeof method === "function" ? method.call(given) : undefined;
}
