import { DagStoreError } from "./error.js";

/** What a caller gives bit by bit, through an iterator of either kind. */
export class Source {
  /** Whether it has to be waited for. */
  isAsync;
  #what;
  #iterator;
  #next;

  /**
   * @param {string} what how to call it in an error
   * @param {object} iterator as a caller's object gave it
   * @param {boolean} isAsync
   */
  constructor(what, iterator, isAsync) {
    const next = iterator?.next;
    if (typeof next !== "function") throw new DagStoreError("ERR_INVALID_ARGUMENT", `${what} must be iterable`);
    this.#what = what;
    this.#iterator = iterator;
    this.#next = next;
    this.isAsync = isAsync;
  }

  /** Takes the next step. */
  read() {
    const iterator = this.#iterator;
    // One that throws is not to be closed.
    this.#iterator = undefined;
    const step = this.#next.call(iterator);
    this.#iterator = iterator;
    return step;
  }

  /** Takes the next step when it comes, unless the work is given up. What breaks off is no mistake in the call. */
  async readAsync(work) {
    try {
      return await work.wait(this.#next.call(this.#iterator));
    } catch (cause) {
      work.assertGoing();
      this.#iterator = undefined;
      throw new DagStoreError("ERR_STORAGE", `${this.#what} can't be read: what gives them has failed`, { cause });
    }
  }

  /** Notes that there is no more in it. */
  end() {
    this.#iterator = undefined;
  }

  /** Ends it, and tells the iterator if there is more in it. */
  close() {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    if (iterator === undefined) return;
    try {
      Promise.resolve(iterator.return?.()).catch(() => undefined);
    } catch {
      // Whatever it says to that, the call ends as it ends.
    }
  }
}
