import { Answer } from "./answer.js";
import { assertAble, compile } from "./compile.js";
import { DagStoreError } from "./error.js";
import { createGlue } from "./glue.js";
import { afterOthers } from "./turn.js";

/** Up to so many bytes, a loop is faster than a view and a copy. */
const SHORT = 64;

/** How this runtime gets at the wasm; the entry sets it. */
let load;
/** The wasm, compiled; instances that follow the first need not compile it again. */
let compiled;
/** The instance that new stores share, or is about to be. */
let current;

/** Sets how the wasm is loaded: a function that gives it in any form that `compile` takes. */
export function setLoader(loader) {
  load = loader;
  compiled = undefined;
}

/** Sets how the wasm is loaded, unless another entry, imported beside this one, knows how already. */
export function setLoaderIfNone(loader) {
  load ??= loader;
}

/** The instance that lives, started if there is none. */
export function instance() {
  if (current === undefined) {
    const retire = () => {
      if (current === starting) current = undefined;
    };
    const starting = start(retire);
    current = starting;
    // A load that failed may succeed the next time.
    starting.catch(retire);
  }
  return current;
}

async function start(retire) {
  try {
    compiled ??= await compile(load());
    return new Instance(compiled, retire);
  } catch (cause) {
    if (cause instanceof DagStoreError) throw cause;
    await assertAble(cause);
    const message = "the WebAssembly of dag-store can't be loaded";
    throw new DagStoreError("ERR_STORAGE", message, { cause });
  }
}

/**
 * One instance of the wasm, and the only way into it. After a panic or a trap its memory is in no known
 * state, so nothing enters it again: all that waits is rejected with ERR_POISONED, and so is all that
 * comes. The next new store starts another instance.
 */
class Instance {
  /** @type {DagStoreError | undefined} */
  #poison;
  #panic = "";
  /** What rejects the calls that wait for wasm. */
  #pending = new Set();
  /** The works that go on, in wasm or on their way there. */
  #works = new Set();
  /** What is called when it fails. */
  #endings = new Set();
  /** The Promise of the last call that has to wait. */
  #handed;
  #retire;
  #memory;
  #bytes;
  #view;
  #answer;

  /**
   * @param {WebAssembly.Module} module
   * @param {() => void} retire tells that new stores must have another instance
   */
  constructor(module, retire) {
    this.#retire = retire;
    this.glue = createGlue({
      queueMicrotask: (task) => queueMicrotask(() => this.quietly(task)),
      FinalizationRegistry: this.#registry(),
    });
    this.#memory = this.glue.initSync({ module }).memory;
    this.#takeMemory();
    this.#answer = new Answer(this.#bytes, 0);
    this.glue.onPanic(([message, place]) => {
      this.#panic = `${message} (${place.join(":")})`;
      this.#trip(new Error(this.#panic));
    });
    this.glue.onWait((promise) => {
      this.#handed = promise;
    });
    this.glue.onBreathe(() => afterOthers(() => this.#breathe()));
    this.idleJob = new this.glue.Job();
  }

  /** Lets wasm go on after the others had their turn, and its callers know how far it is. */
  #breathe() {
    for (const work of this.#works) work.tellAgain();
    this.quietly(() => this.glue.breathed());
  }

  /** Has this work told how far it is in wasm, and given up if the instance fails. */
  watch(work) {
    this.#works.add(work);
    work.atEnd(() => this.#works.delete(work));
  }

  /** Has this called should the instance fail. Gives what takes that back. */
  atFailure(end) {
    this.#endings.add(end);
    return () => this.#endings.delete(end);
  }

  /** Enters wasm. Whatever is thrown from there is the end of the instance. */
  enter(run) {
    this.assertAlive();
    try {
      return run();
    } catch (cause) {
      throw this.fail(cause);
    }
  }

  assertAlive() {
    if (this.#poison !== undefined) throw this.#poison;
  }

  /** Ends the instance, and gives the error that says so; unless this is an error of our own. */
  fail(cause) {
    if (cause instanceof DagStoreError) return cause;
    this.#trip(cause);
    return this.#poison;
  }

  /** Writes a question into the memory of wasm. */
  write(bytes, length) {
    const at = this.glue.question(length);
    if (at === 0) throw noRoom();
    if (this.#bytes.buffer !== this.#memory.buffer) this.#takeMemory();
    if (length > SHORT) {
      this.#bytes.set(bytes.subarray(0, length), at);
    } else {
      for (let i = 0; i < length; i++) this.#bytes[at + i] = bytes[i];
    }
  }

  /**
   * Reads what a call answered: what is there already, now; else a Promise of it.
   *
   * @template T
   * @param {boolean} waits what the call returned
   * @param {Pick<Call<unknown, T>, "read" | "readInTurns">} call
   * @returns {T | Promise<T>}
   */
  read(waits, { read, readInTurns = read }) {
    if (waits) return this.#wait(this.#handed, readInTurns);
    const at = this.glue.answer();
    if (this.#bytes.buffer !== this.#memory.buffer) this.#takeMemory();
    this.#answer.reset(this.#bytes, this.#view, at);
    return this.#answer.result(read);
  }

  #wait(answered, read) {
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      const settled = () => this.#pending.delete(reject);
      answered
        .finally(settled)
        .then((bytes) => new Answer(bytes, 0).result(read))
        .then(resolve, reject);
    });
  }

  /** Enters wasm where there is nobody to throw to. */
  quietly(task) {
    try {
      this.enter(task);
    } catch {
      // The instance is poisoned, and those who wait know it.
    }
  }

  /** Frees an object of wasm. */
  free(object) {
    this.quietly(() => object.free());
  }

  /** The registry that frees objects of wasm which were lost: through the same guard. */
  #registry() {
    const quietly = (task) => this.quietly(task);
    if (typeof FinalizationRegistry === "undefined") return undefined;
    return class extends FinalizationRegistry {
      constructor(finalize) {
        super((held) => quietly(() => finalize(held)));
      }
    };
  }

  #takeMemory() {
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
  }

  #trip(cause) {
    if (this.#poison === undefined) {
      const why = this.#panic || "a trap";
      const message = `the WebAssembly instance of this store has failed and can't be used: ${why}`;
      this.#poison = new DagStoreError("ERR_POISONED", message, { cause });
      this.#retire();
    }
    for (const reject of this.#pending) reject(this.#poison);
    this.#pending.clear();
    for (const work of this.#works) work.giveUp(this.#poison);
    for (const end of this.#endings) end();
    this.#endings.clear();
  }
}

function noRoom() {
  const message =
    "there is no memory left for this: take fewer nodes at once, close other stores, " +
    "or use another instance (a worker has one of its own)";
  return new DagStoreError("ERR_QUOTA", message);
}
