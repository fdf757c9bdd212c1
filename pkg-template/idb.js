import { DagStoreError } from "./error.js";

/** What a transaction's task throws to have everything undone, where that is no failure. */
export const UNDO = Symbol("undo");

/** A transaction that failed. */
export class Failed extends Error {
  /** Whether all of it had been asked for: then it may have been written all the same. */
  isInFlight;

  constructor(cause, isInFlight) {
    super("the transaction failed", { cause });
    this.isInFlight = isInFlight;
  }
}

/** Waits for a request. */
export function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** A connection, which the browser may drop at any time. */
export class Connection {
  isLost = false;
  #database;
  /** What ends the transactions that go on, should they not end by themselves. */
  #pending = new Set();

  constructor(database) {
    this.#database = database;
    database.onclose = () => this.#lose();
    // Somebody deletes it, or a later version of this package wants to change its layout.
    database.onversionchange = () => this.close();
  }

  close() {
    this.isLost = true;
    this.#database.close();
  }

  #lose() {
    this.isLost = true;
    for (const end of this.#pending) end(undefined);
  }

  /**
   * Runs a transaction. The task gets the stores, issues requests, and waits for nothing else. Ends when the browser
   * says that it is complete, and no sooner.
   */
  async transact(names, mode, options, task) {
    const transaction = this.#database.transaction(names, mode, options);
    let end;
    const ended = new Promise((resolve, reject) => {
      end = reject;
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    // It may fail before anybody waits for it.
    ended.catch(() => {});
    this.#pending.add(end);
    let isInFlight = false;
    try {
      const outcome = await task(...names.map((name) => transaction.objectStore(name)));
      isInFlight = true;
      await ended;
      return outcome;
    } catch (error) {
      abort(transaction);
      const why = await ended.catch((why) => why);
      throw error === UNDO || error instanceof DagStoreError ? error : new Failed(why ?? error, isInFlight);
    } finally {
      this.#pending.delete(end);
    }
  }
}

function abort(transaction) {
  try {
    transaction.abort();
  } catch {
    // It has ended already.
  }
}
