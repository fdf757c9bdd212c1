import { ours } from "./attempt.js";
import { turn } from "./turn.js";
import { Work } from "./work.js";

/** The items of a page that a caller asks for, unless it says how many. */
const PAGE = 256;

/**
 * A kind of things that are read a page at a time.
 *
 * @template T
 * @typedef {object} Kind
 * @property {string} name of what is in a page
 * @property {number} first how many a first page has that is read ahead, and `most` any page
 * @property {number} most
 * @property {(connection: Connection, target: object, query: object) => Promise<{ items: T[], cursor?: string }>} read
 * @property {(size: number, page: object) => number} next how many the next page has
 * @property {((connection: Connection, target: object, items: unknown[], waitFor: Function) => AsyncIterable<{ taken:
 *   number, found: T[] }>) | undefined} parts what the items of a page become, some at a time
 */

/** Reads what a caller says; an error is told when what was asked for is read. */
export function prepare(read) {
  try {
    const { options, query } = read();
    return { options, query, error: undefined };
  } catch (error) {
    // All that is promised is asynchronous, its errors too.
    return { options: undefined, query: undefined, error };
  }
}

/** What is yet to be read, by a loop over it or in whole. What a caller says was copied when it was made. */
export class Paged {
  #connection;
  #kind;
  #prepared;

  /**
   * @param {Connection} connection
   * @param {Kind} kind
   * @param {{ options?: Options, query?: object, error?: unknown }} prepared by `prepare`
   */
  constructor(connection, kind, prepared) {
    this.#connection = connection;
    this.#kind = kind;
    this.#prepared = prepared;
  }

  /** Reads all of it. */
  toArray() {
    return this.#connection.holdOpen(this.#toArray());
  }

  /** Reads one page: up to `limit` items, and the cursor after them if there are more. */
  page() {
    return this.#connection.holdOpen(this.#page());
  }

  async #toArray() {
    const all = [];
    for await (const { items } of this.#pages(this.#begin(), this.#heldOpen())) all.push(...items);
    return all;
  }

  async #page() {
    const reading = this.#begin();
    const { limit = PAGE } = reading.query;
    const all = [];
    let end;
    const pages = this.#pages({ ...reading, wanted: limit, size: this.#kind.most }, this.#heldOpen());
    for await (const { items, cursor } of pages) {
      all.push(...items);
      end = cursor;
    }
    return { [this.#kind.name]: all, cursor: end };
  }

  async *[Symbol.asyncIterator]() {
    const reading = this.#begin();
    for await (const { items } of this.#pages(reading, this.#connection)) {
      for (const item of items) {
        reading.work.assertGoing();
        yield item;
      }
    }
  }

  /** Reads so many items, a page at a time; between pages the others have their turn. */
  async *#pages({ query, work, wanted, size }, target) {
    const { read, next, parts } = this.#kind;
    const connection = this.#connection;
    const waitFor = (ask) => work.run(() => work.wait(ask()));
    if (wanted === 0 || query.eventTypes?.length === 0) {
      // Nothing is wanted; but what else may be wrong is told. (To wasm, no types mean all.)
      await waitFor(() => read(connection, target, { ...query, limit: 1 }));
      return;
    }
    let done = 0;
    while (done < wanted) {
      if (done > 0 || query.cursor !== undefined) await turn();
      query.limit = Math.min(wanted - done, size);
      const page = await waitFor(() => read(connection, target, query));
      const { items, cursor } = page;
      done += items.length;
      if (parts === undefined) {
        work.tell(done);
        yield page;
      } else {
        let told = done - items.length;
        for await (const { taken, found } of parts(connection, target, items, waitFor)) {
          told += taken;
          work.tell(told);
          yield { items: found, cursor };
        }
        // A page may be empty before the end.
        if (items.length === 0) yield page;
      }
      if (cursor === undefined) return;
      query.cursor = cursor;
      size = next(size, page);
    }
  }

  /** What it takes to read it from the beginning. */
  #begin() {
    try {
      const { error, options, query } = this.#prepared;
      if (options === undefined) throw error;
      return { query: { ...query }, work: new Work(options), wanted: query.limit ?? Infinity, size: this.#kind.first };
    } catch (error) {
      throw ours(error);
    }
  }

  /** The store, for a call that was made before it closes, and that it waits for then. */
  #heldOpen() {
    this.#connection.assertOpen();
    return this.#connection.heldOpen();
  }
}
