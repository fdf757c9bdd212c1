import { DagStoreError } from "./error.js";
import { instance } from "./instance.js";
import { borrowEncoder, giveBack } from "./record.js";

/**
 * A kind of call: how to write the question about some subject, whom to ask, how to read the answer.
 *
 * @template Subject, T
 * @typedef {object} Call
 * @property {(encoder: Encoder, subject: Subject, limits: object) => void} encode
 * @property {(wasm: object, length: number, subject: Subject) => undefined | Promise<Uint8Array>} ask
 * @property {(answer: Answer) => T} read
 */

/**
 * A store's way into wasm. Its first call loads that; calls made until then wait, and take effect in
 * their order. What a caller hands over is encoded within the call, so it may change afterwards. Once
 * nothing waits, a call goes through at once.
 *
 * Calls are made on a target: the connection itself, which stands for the store, or a batch.
 */
export class Connection {
  limits;
  #instance;
  #store;
  #opening;
  /** How many calls wait. */
  #waiting = 0;
  #closing;
  /** What must go when the store closes. */
  #batches = new Set();

  constructor(limits) {
    this.limits = limits;
  }

  /** Whether `close` was called. */
  get closed() {
    return this.#closing !== undefined;
  }

  assertOpen() {
    if (this.closed) throw closed();
  }

  /** The store in wasm. */
  get wasm() {
    if (this.#store === undefined) throw closed();
    return this.#store;
  }

  /**
   * Makes a call.
   *
   * @template Subject, T
   * @param {{ assertOpen(): void, wasm: object }} target
   * @param {Call<Subject, T>} call
   * @param {Subject} subject
   * @returns {Promise<T>}
   */
  make(target, call, subject) {
    const encoder = borrowEncoder();
    try {
      target.assertOpen();
      call.encode(encoder, subject, this.limits);
      const { bytes, at } = encoder;
      if (this.#isReady()) return Promise.resolve(this.#exchange(target, call, subject, bytes, at));
      const copy = bytes.slice(0, at);
      return this.#wait(() => this.#exchange(target, call, subject, copy, at));
    } catch (error) {
      return Promise.reject(ours(error));
    } finally {
      giveBack(encoder);
    }
  }

  /** Makes a call about many nodes: `encode` yields them in chunks, `ask` gets them all together. */
  makeBulk(target, call, subject) {
    const encoder = borrowEncoder();
    try {
      target.assertOpen();
      const chunks = call.encode(encoder, subject, this.limits);
      if (this.#isReady()) return Promise.resolve(this.#collect(target, call, subject, chunks));
      const copies = Array.from(chunks, (chunk) => chunk.slice());
      return this.#wait(() => this.#collect(target, call, subject, copies));
    } catch (error) {
      return Promise.reject(ours(error));
    } finally {
      giveBack(encoder);
    }
  }

  /** Runs what makes an object of wasm, from the store. */
  create(run) {
    return attempt(() => {
      this.assertOpen();
      const task = () => this.#instance.enter(() => run(this.wasm));
      return this.#isReady() ? task() : this.#wait(task);
    });
  }

  /** Frees an object of wasm. */
  free(object) {
    this.#instance.quietly(() => object.free());
  }

  adopt(batch) {
    this.#batches.add(batch);
  }

  release(batch) {
    this.#batches.delete(batch);
  }

  /** Closes the store, after the calls made before. */
  close() {
    this.#closing ??= attempt(() => {
      if (this.#opening === undefined) return undefined;
      return this.#isReady() ? this.#close() : this.#wait(() => this.#close());
    });
    return this.#closing;
  }

  async #close() {
    const store = this.wasm;
    this.#store = undefined;
    for (const batch of this.#batches) batch.free();
    const answered = this.#instance.enter(() => store.close());
    this.free(store);
    await this.#instance.read(answered, nothing);
  }

  #isReady() {
    return this.#waiting === 0 && this.#store !== undefined;
  }

  #exchange(target, call, subject, bytes, length) {
    const { wasm } = target;
    const entered = this.#instance;
    entered.assertAlive();
    let answered;
    try {
      entered.write(bytes, length);
      answered = call.ask(wasm, length, subject);
    } catch (cause) {
      throw entered.fail(cause);
    }
    return entered.read(answered, call.read);
  }

  #collect(target, call, subject, chunks) {
    const entered = this.#instance;
    const nodes = entered.enter(() => target.wasm.nodes());
    try {
      for (const chunk of chunks) {
        const pushed = entered.enter(() => {
          entered.write(chunk, chunk.length);
          return nodes.push(chunk.length);
        });
        entered.read(pushed, nothing);
      }
      // The caller's iterator has run since; it may have closed the target.
      const { wasm } = target;
      return entered.read(entered.enter(() => call.ask(wasm, nodes, subject)), call.read);
    } finally {
      this.free(nodes);
    }
  }

  #wait(task) {
    this.#waiting++;
    const done = () => this.#waiting--;
    return this.#open().then(
      () => {
        done();
        return task();
      },
      (error) => {
        done();
        throw error;
      },
    );
  }

  #open() {
    this.#opening ??= instance().then(
      (opened) => {
        const { blockBytes, parents, contentDepth, batchOperations, batchBytes } = this.limits;
        const { DagStore } = opened.glue;
        this.#instance = opened;
        this.#store = opened.enter(
          () => new DagStore(blockBytes, parents, contentDepth, batchOperations, batchBytes),
        );
      },
      (error) => {
        // The next call tries again.
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }
}

/** For questions that are all in the subject, and answers that say nothing. */
export function nothing() {}

/** Runs a function that may throw or wait; the outcome is a Promise, rejected with nothing but our error. */
export function attempt(run) {
  try {
    return Promise.resolve(run());
  } catch (error) {
    return Promise.reject(ours(error));
  }
}

/** Our errors stay as they are; one that a caller's object threw becomes the cause of one. */
function ours(error) {
  try {
    if (error instanceof DagStoreError) return error;
  } catch {
    // A revoked proxy, thrown: not even its class can be asked for.
  }
  return new DagStoreError("ERR_INVALID_ARGUMENT", "an argument can't be read", { cause: error });
}

function closed() {
  return new DagStoreError("ERR_CLOSED", "the store is closed");
}
