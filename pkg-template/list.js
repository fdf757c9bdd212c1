import { bare } from "./commit.js";
import { nothing } from "./connection.js";
import { readOptions } from "./options.js";

/** The nodes of the first page that is read ahead, and of the largest. */
const FIRST = 64;
const MOST = 1024;
/** A page read ahead has about so many bytes. */
const PAGE_BYTES = 1 << 19;
/** The nodes of a page that a caller asks for, unless it says how many. */
const PAGE = 256;
/** The nodes that wasm can count. */
const LARGEST = 2 ** 32 - 1;

const OPTIONS = ["scopeId", "eventTypes", "since", "until", "order", "reverse", "limit", "cursor"];

/** How a store is asked for a page; see `Call` in connection.js. */
const LIST = { encode: nothing, ask: (store, _, query) => store.list(query), read: readPage };

/** A list that is yet to be read. The options were copied when it was made. */
export class List {
  #connection;
  #query;
  #error;

  constructor(connection, options) {
    this.#connection = connection;
    try {
      this.#query = readQuery(options);
    } catch (error) {
      // All that a list promises is asynchronous, its errors too.
      this.#error = error;
    }
  }

  /** Reads all of it. */
  async toArray() {
    const nodes = [];
    for await (const page of this.#pages()) nodes.push(...page);
    return nodes;
  }

  /** Reads one page: up to `limit` nodes, and the cursor after them if there are more. */
  async page() {
    const query = this.#checked();
    if (query.limit === 0 || query.eventTypes?.length === 0) return { nodes: [], cursor: undefined };
    const { nodes, cursor } = await this.#read({ ...query, limit: Math.min(query.limit ?? PAGE, LARGEST) });
    return { nodes, cursor };
  }

  async *[Symbol.asyncIterator]() {
    for await (const page of this.#pages()) yield* page;
  }

  async *#pages() {
    const query = { ...this.#checked() };
    let wanted = query.limit ?? Infinity;
    let size = FIRST;
    if (query.eventTypes?.length === 0) return;
    while (wanted > 0) {
      query.limit = Math.min(wanted, size);
      const { nodes, cursor, bytes } = await this.#read(query);
      yield nodes;
      if (cursor === undefined) return;
      wanted -= nodes.length;
      query.cursor = cursor;
      size = Math.max(1, Math.min(MOST, Math.floor(PAGE_BYTES / (bytes / nodes.length || 1))));
    }
  }

  #checked() {
    if (this.#error !== undefined) throw this.#error;
    return this.#query;
  }

  #read(query) {
    // To wasm, no types mean all.
    const eventTypes = query.eventTypes ?? [];
    return this.#connection.make(this.#connection, LIST, bare({ ...query, eventTypes }));
  }
}

function readQuery(given) {
  const options = readOptions(given, "options", OPTIONS);
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
