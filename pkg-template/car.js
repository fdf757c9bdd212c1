import { ours } from "./attempt.js";
import { asBytes } from "./bytes.js";
import { nothing } from "./connection.js";
import { DagStoreError } from "./error.js";
import { CID_BYTES } from "./id.js";
import { readOptions } from "./options.js";
import { readIds } from "./record.js";
import { Source } from "./source.js";
import { turn } from "./turn.js";
import { WORK_OPTIONS, Work } from "./work.js";

const OPTIONS = ["scopeId", "pastOf", "notPastOf", "afterCommit", ...WORK_OPTIONS];

/** How an export is asked for its next chunk; see `Call` in connection.js. */
const NEXT = {
  encode: nothing,
  ask: (exporting) => exporting.next(),
  read: (answer) => ({ done: answer.u64(), total: answer.u64(), bytes: answer.take(answer.u64()) }),
};

/** An export that is yet to begin. The options were copied when it was made. */
export class CarExport {
  #connection;
  #options;
  #query;
  #error;

  constructor(connection, options) {
    this.#connection = connection;
    try {
      this.#options = readOptions(options, "options", OPTIONS);
      this.#query = readQuery(this.#options, connection.limits);
    } catch (error) {
      // All that an export promises is asynchronous, its errors too.
      this.#error = error;
    }
  }

  /** Reads all of it into memory. */
  toBytes() {
    return this.#connection.holdOpen(this.#toBytes());
  }

  /** Gives it as a stream of the web, which reads as it is read. */
  stream() {
    let chunks;
    const source = {
      pull: async (controller) => {
        chunks ??= this[Symbol.asyncIterator]();
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => chunks?.return(),
    };
    return new ReadableStream(source, { highWaterMark: 0 });
  }

  [Symbol.asyncIterator]() {
    return this.#chunks(() => this.#connection.assertOpen());
  }

  async #toBytes() {
    const chunks = [];
    let length = 0;
    this.#connection.assertOpen();
    // It was asked for before the store closes, which waits for it.
    for await (const chunk of this.#chunks(nothing)) {
      chunks.push(chunk);
      length += chunk.length;
    }
    if (chunks.length === 1) return chunks[0];
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** Reads a chunk at a time; between chunks the others have their turn. */
  async *#chunks(assertOpen) {
    const { query, work } = this.#begin();
    const connection = this.#connection;
    const begun = connection.create(query.ask, query.ids);
    try {
      const wasm = await work.run(() => work.wait(begun));
      for (;;) {
        const { done, total, bytes } = await work.run(() => work.wait(connection.make({ wasm, assertOpen }, NEXT)));
        work.tell(done, total);
        if (bytes.length > 0) yield bytes;
        if (done === total) return;
        await turn();
      }
    } finally {
      begun.then((exporting) => connection.free(exporting), nothing);
    }
  }

  /** What it takes to read it from the beginning. */
  #begin() {
    try {
      if (this.#error !== undefined) throw this.#error;
      return { query: this.#query, work: new Work(this.#options) };
    } catch (error) {
      throw ours(error);
    }
  }
}

/** What is asked: the ids of both kinds, one after another, and how the store is asked for the rest. */
function readQuery(options, limits) {
  const idsOf = (key) => (options.get(key) === undefined ? undefined : readIds(options.get(key), limits));
  const [scopeId, afterCommit] = [options.text("scopeId"), options.count("afterCommit")];
  const [pastOf, notPastOf = NO_BYTES] = [idsOf("pastOf"), idsOf("notPastOf")];
  const ids = new Uint8Array((pastOf?.length ?? 0) + notPastOf.length);
  ids.set(pastOf ?? NO_BYTES);
  ids.set(notPastOf, ids.length - notPastOf.length);
  const wanted = pastOf && pastOf.length / CID_BYTES;
  return { ids, ask: (store) => store.exportCar(ids.length, scopeId, wanted, afterCommit) };
}

/** The first slice of a file is taken within the call, the others in a turn of the event loop each. */
const FIRST = { bytes: 1 << 20, milliseconds: Infinity };
const NEXT_SLICE = { bytes: 1 << 18, milliseconds: 4 };
/** A buffer has so many bytes at least, whatever is said of the file's length. */
const LEAST = 1 << 10;
const NO_BYTES = new Uint8Array(0);

/** Takes in a CAR file, given in any of the ways in which bytes are. */
export function takeCar(car) {
  return new CarIntake(open(car));
}

/** A file that a caller gives, in pieces of any size, a slice of it at a time; see `Intake` in intake.js. */
class CarIntake {
  /** How many bytes were taken in. */
  count = 0;
  /** How many there are, where that is known. */
  total;
  /** Whether all were taken in. */
  isWhole = false;
  #source;
  /** What is left of the last piece. */
  #rest = NO_BYTES;
  #buffer = NO_BYTES;
  #at = 0;
  /** When this slice is full. */
  #full;

  constructor({ iterator, isAsync, total }) {
    this.#source = new Source("the pieces of the CAR file", iterator, isAsync);
    this.total = total;
  }

  /** Whether it has to be waited for. */
  get isAsync() {
    return this.#source.isAsync;
  }

  /** The slice that was read, until the next one is. */
  get slice() {
    return this.#buffer.subarray(0, this.#at);
  }

  /** Reads the first slice. */
  readFirst() {
    this.#read(FIRST);
  }

  /** Reads the next slice. */
  read() {
    this.#read(NEXT_SLICE);
  }

  /** Reads the next slice as it comes, unless the work is given up. */
  async readAsync(work) {
    this.#begin(NEXT_SLICE);
    while (!this.#isFull()) if (!this.#copy()) this.#take(await this.#source.readAsync(work));
  }

  /** Ends it, and tells the iterator if there is more in it. */
  close() {
    this.#source.close();
  }

  #read(slice) {
    this.#begin(slice);
    try {
      while (!this.#isFull()) if (!this.#copy()) this.#take(this.#source.read());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #begin({ bytes, milliseconds }) {
    const length = Math.min(bytes, Math.max(this.total ?? bytes, LEAST));
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(length);
    this.#at = 0;
    const time = milliseconds === Infinity ? Infinity : Date.now() + milliseconds;
    this.#full = { bytes: Math.min(bytes, this.#buffer.length), time };
  }

  /** Copies from the last piece as much as there is room for; `false` where nothing is left of it. */
  #copy() {
    if (this.#rest.length === 0) return false;
    const part = this.#rest.subarray(0, this.#full.bytes - this.#at);
    this.#buffer.set(part, this.#at);
    this.#at += part.length;
    this.count += part.length;
    this.#rest = this.#rest.subarray(part.length);
    return true;
  }

  #take({ done, value }) {
    if (done) {
      this.isWhole = true;
      this.#source.end();
      return;
    }
    this.#rest = asBytes(value) ?? refuse("the pieces of a CAR file must be bytes");
  }

  #isFull() {
    const { bytes, time } = this.#full;
    if (this.isWhole || (this.#at === bytes && this.#rest.length > 0)) return true;
    return time !== Infinity && Date.now() >= time;
  }
}

/** An iterator over the bytes of whatever has bytes. */
function open(car) {
  const bytes = asBytes(car);
  if (bytes !== undefined) return { iterator: [bytes].values(), isAsync: false, total: bytes.length };
  if (typeof car !== "object" || car === null) return refuseKind();
  // Before its iterator, which not every engine has.
  if (typeof car.getReader === "function") return fromReader(car.getReader());
  const asynchronous = car[Symbol.asyncIterator];
  if (typeof asynchronous === "function") return { iterator: asynchronous.call(car), isAsync: true };
  const synchronous = car[Symbol.iterator];
  if (typeof synchronous === "function") return { iterator: synchronous.call(car), isAsync: false };
  // A Response or a Request, whose body may be none.
  if (car.ok === false) refuse(`the response has status ${Number(car.status)}, and no CAR file`);
  if (car.body !== undefined) return open(car.body ?? NO_BYTES);
  // A Blob.
  if (typeof car.stream === "function") return { ...open(car.stream()), total: blobSize(car) };
  // A Request, where it has no body to be read bit by bit.
  if (typeof car.arrayBuffer === "function") return { iterator: wholeOf(car), isAsync: true };
  return refuseKind();
}

async function* wholeOf(request) {
  yield new Uint8Array(await request.arrayBuffer());
}

function fromReader(reader) {
  return { iterator: { next: () => reader.read(), return: () => reader.cancel() }, isAsync: true };
}

function blobSize({ size }) {
  return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

function refuseKind() {
  refuse("a CAR file is given as bytes, a stream or an iterable of them, a Blob, a Response or a Request");
}

function refuse(message) {
  throw new DagStoreError("ERR_INVALID_ARGUMENT", message);
}
