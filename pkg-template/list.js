import { nothing } from "./connection.js";
import { readOptions } from "./options.js";
import { packed } from "./packed.js";
import { Paged, prepare } from "./paged.js";
import { WORK_OPTIONS } from "./work.js";

/** The nodes of the largest page. */
const MOST = 1024;
/** A page read ahead has about so many bytes. */
const PAGE_BYTES = 1 << 18;

const OPTIONS = ["scopeId", "eventTypes", "since", "until", "afterCommit", "order", "reverse", "limit", "cursor", ...WORK_OPTIONS];

/** How a store is asked for a page; see `Call` in connection.js. */
const LIST = { encode: nothing, ask: (store, _, query) => store.list(query), read: readPage };

/** To wasm, no types mean all. */
const NODES = {
  name: "nodes",
  first: 64,
  most: MOST,
  read: (connection, target, query) => connection.make(target, LIST, packQuery(query)),
  next: (_, { items, bytes }) => sizeFor(items.length, bytes, MOST),
  parts: undefined,
};

/** A list that is yet to be read. */
export class List extends Paged {
  constructor(connection, given) {
    super(connection, NODES, prepare(() => {
      const options = readOptions(given, "options", OPTIONS);
      return { options, query: readQuery(options) };
    }));
  }
}

/** How many nodes to read in one go, if so many had so many bytes. */
export function sizeFor(nodes, bytes, most) {
  return Math.max(1, Math.min(most, Math.floor(PAGE_BYTES / (bytes / nodes || 1))));
}

/** A query as wasm takes it. It must have all of these itself, or it would have them of `Object.prototype`. */
export function packQuery({ scopeId, eventTypes, since, until, byTime, reverse, limit, cursor, afterCommit }) {
  // To wasm, no types mean all.
  return packed([scopeId, eventTypes ?? [], since, until, byTime, reverse, limit, cursor, afterCommit]);
}

function readQuery(options) {
  const order = options.text("order") ?? "insertion";
  if (order !== "insertion" && order !== "time") options.fail("order", 'must be "insertion" or "time"');
  const afterCommit = options.count("afterCommit");
  return { ...readFilters(options), afterCommit, byTime: order === "time", reverse: options.flag("reverse") };
}

/** The options that lists and walks have in common. */
export function readFilters(options) {
  return {
    scopeId: options.text("scopeId"),
    eventTypes: options.texts("eventTypes"),
    since: options.count("since"),
    until: options.count("until"),
    limit: options.count("limit"),
    cursor: options.text("cursor"),
  };
}

function readPage(answer) {
  const { nodes: items, bytes } = readNodes(answer);
  return { items, cursor: answer.string() || undefined, bytes };
}

/** Reads nodes, and how many bytes they have. */
export function readNodes(answer) {
  const start = answer.at;
  const nodes = answer.list((next) => next.node());
  return { nodes, bytes: answer.at - start };
}
