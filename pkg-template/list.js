import { ours } from "./attempt.js";
import { nothing } from "./connection.js";
import { readOptions } from "./options.js";
import { packed } from "./packed.js";
import { turn } from "./turn.js";
import { WORK_OPTIONS, Work } from "./work.js";

/** The nodes of the first page that is read ahead, and of the largest. */
const FIRST = 64;
const MOST = 1024;
/** A page read ahead has about so many bytes. */
const PAGE_BYTES = 1 << 18;
/** The nodes of a page that a caller asks for, unless it says how many. */
const PAGE = 256;
/** The nodes that wasm can count. */
const LARGEST = 2 ** 32 - 1;

const OPTIONS = ["scopeId", "eventTypes", "since", "until", "order", "reverse", "limit", "cursor", ...WORK_OPTIONS];

/** How a store is asked for a page; see `Call` in connection.js. */
const LIST = { encode: nothing, ask: (store, _, query) => store.list(query), read: readPage };

/** A list that is yet to be read. The options were copied when it was made. */
export class List {
  #connection;
  #options;
  #query;
  #error;

  constructor(connection, options) {
    this.#connection = connection;
    try {
      this.#options = readOptions(options, "options", OPTIONS);
      this.#query = readQuery(this.#options);
    } catch (error) {
      // All that a list promises is asynchronous, its errors too.
      this.#error = error;
    }
  }

  /** Reads all of it. */
  toArray() {
    return this.#connection.holdOpen(this.#toArray());
  }

  /** Reads one page: up to `limit` nodes, and the cursor after them if there are more. */
  page() {
    return this.#connection.holdOpen(this.#page());
  }

  async #toArray() {
    const all = [];
    for await (const { nodes } of this.#pages(this.#begin(), this.#heldOpen())) all.push(...nodes);
    return all;
  }

  async #page() {
    const reading = this.#begin();
    const { limit = PAGE } = reading.query;
    const page = { nodes: [], cursor: undefined };
    const pages = this.#pages({ ...reading, wanted: limit, size: MOST }, this.#heldOpen());
    for await (const { nodes, cursor } of pages) {
      page.nodes.push(...nodes);
      page.cursor = cursor;
    }
    return page;
  }

  async *[Symbol.asyncIterator]() {
    const reading = this.#begin();
    for await (const { nodes } of this.#pages(reading, this.#connection)) {
      for (const node of nodes) {
        reading.work.assertGoing();
        yield node;
      }
    }
  }

  /** Reads so many nodes, a page at a time; between pages the others have their turn. */
  async *#pages({ query, work, wanted, size }, target) {
    let done = 0;
    if (query.eventTypes?.length === 0) return;
    while (done < wanted) {
      if (done > 0) await turn();
      query.limit = Math.min(wanted - done, size);
      const page = await work.run(() => work.wait(this.#read(target, query)));
      done += page.nodes.length;
      work.tell(done);
      yield page;
      if (page.cursor === undefined) return;
      query.cursor = page.cursor;
      size = Math.max(1, Math.min(MOST, Math.floor(PAGE_BYTES / (page.bytes / page.nodes.length || 1))));
    }
  }

  /** What it takes to read it from the beginning. */
  #begin() {
    try {
      if (this.#error !== undefined) throw this.#error;
      const query = { ...this.#query };
      return { query, work: new Work(this.#options), wanted: query.limit ?? Infinity, size: FIRST };
    } catch (error) {
      throw ours(error);
    }
  }

  /** The store, for a call that was made before it closes, and that it waits for then. */
  #heldOpen() {
    const connection = this.#connection;
    connection.assertOpen();
    return { get wasm() { return connection.wasm; }, assertOpen: nothing };
  }

  #read(target, query) {
    return this.#connection.make(target, LIST, packQuery(query));
  }
}

/** A query as wasm takes it. */
export function packQuery({ scopeId, eventTypes, since, until, byTime, reverse, limit, cursor, afterCommit }) {
  // To wasm, no types mean all.
  return packed([scopeId, eventTypes ?? [], since, until, byTime, reverse, limit, cursor, afterCommit]);
}

function readQuery(options) {
  const order = options.text("order") ?? "insertion";
  if (order !== "insertion" && order !== "time") options.fail("order", 'must be "insertion" or "time"');
  return {
    scopeId: options.text("scopeId"),
    eventTypes: options.texts("eventTypes"),
    since: options.count("since"),
    until: options.count("until"),
    byTime: order === "time",
    reverse: options.flag("reverse"),
    limit: options.count("limit"),
    cursor: options.text("cursor"),
  };
}

function readPage(answer) {
  const start = answer.at;
  const nodes = answer.list((next) => next.node());
  const bytes = answer.at - start;
  return { nodes, cursor: answer.string() || undefined, bytes };
}
