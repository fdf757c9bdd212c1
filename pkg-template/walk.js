import { CID_BYTES } from "./id.js";
import { readFilters, readNodes, sizeFor } from "./list.js";
import { readOptions } from "./options.js";
import { packed } from "./packed.js";
import { Paged, prepare } from "./paged.js";
import { encodeIds, readIds } from "./record.js";
import { turn } from "./turn.js";
import { WORK_OPTIONS } from "./work.js";

/** The most CIDs that are read ahead, unless the cursor is longer than they are. */
const MOST = 1 << 14;
/** The characters of a cursor for each node in it. */
const CURSOR_ENTRY = 72;
/** The nodes that are read in one go: the first time, and at most. */
const FIRST_NODES = 64;
const MOST_NODES = 1024;

const FILTERS = ["scopeId", "eventTypes", "since", "until", "limit", ...WORK_OPTIONS];
const OPTIONS_OF_ALL = [...FILTERS, "cursor"];
const OPTIONS_OF_DIFF = [...OPTIONS_OF_ALL, "depth"];
const OPTIONS = [...OPTIONS_OF_DIFF, "excluding"];

/** The directions, as wasm has them. */
const ANCESTORS = 0;
const DESCENDANTS = 1;
const ALL = 2;

const NO_IDS = new Uint8Array(0);

/** How a store is asked for a page, and for its nodes; see `Call` in connection.js. */
const WALK = {
  encode: (encoder, { starts, excluding, cursor }) => {
    // A cursor holds all that.
    if (cursor === undefined) for (const ids of [starts, excluding]) write(encoder, ids);
  },
  ask: (store, length, { starts, direction, depth, scopeId, eventTypes = [], since, until, limit, cursor }) => {
    // To wasm, no types mean all.
    const filters = [scopeId, eventTypes, since, until];
    return store.walk(length, packed([starts.length / CID_BYTES, direction, depth, ...filters, limit, cursor]));
  },
  read: (answer) => ({ items: answer.cids(), cursor: answer.string() || undefined }),
};
const GET_MANY = { encode: encodeIds, ask: (store, length) => store.getMany(length), read: readNodes };

const CIDS = {
  name: "cids",
  first: 256,
  most: MOST,
  read: (connection, target, query) => connection.make(target, WALK, query),
  // To read and write a long cursor must not cost more than the nodes between do.
  next: (size, { cursor }) => Math.max(Math.min(4 * size, MOST), Math.floor(cursor.length / CURSOR_ENTRY)),
  parts: undefined,
};
const NODES = { ...CIDS, name: "nodes", parts: nodesOf };

/** A walk that is yet to be made. */
export class Walk extends Paged {
  #connection;
  #prepared;

  constructor(connection, prepared) {
    super(connection, NODES, prepared);
    this.#connection = connection;
    this.#prepared = prepared;
  }

  /** The same walk, giving CIDs. */
  cids() {
    return new Paged(this.#connection, CIDS, this.#prepared);
  }
}

export function ancestors(connection, ids, given) {
  return walkFrom(connection, ANCESTORS, ids, given);
}

export function descendants(connection, ids, given) {
  return walkFrom(connection, DESCENDANTS, ids, given);
}

export function topological(connection, given) {
  return new Walk(connection, prepare(() => {
    const options = readOptions(given, "options", OPTIONS_OF_ALL);
    return { options, query: queryOf(options, ALL, NO_IDS, NO_IDS) };
  }));
}

/** What only the one, and what only the other of two sets of nodes reaches. */
export function diff(connection, left, right, given) {
  const both = prepare(() => {
    const options = readOptions(given, "options", OPTIONS_OF_DIFF);
    const [starts, excluding] = [left, right].map((ids) => readIds(ids, connection.limits));
    return { options, query: queryOf(options, ANCESTORS, starts, excluding) };
  });
  const { query } = both;
  const reversed = query && { ...query, starts: query.excluding, excluding: query.starts };
  return { left: new Walk(connection, both), right: new Walk(connection, { ...both, query: reversed }) };
}

function walkFrom(connection, direction, ids, given) {
  return new Walk(connection, prepare(() => {
    const options = readOptions(given, "options", OPTIONS);
    const starts = readIds(ids, connection.limits);
    const excluded = options.get("excluding");
    const excluding = excluded === undefined ? NO_IDS : readIds(excluded, connection.limits);
    return { options, query: queryOf(options, direction, starts, excluding) };
  }));
}

function queryOf(options, direction, starts, excluding) {
  return { direction, starts, excluding, depth: options.count("depth"), ...readFilters(options) };
}

function write(encoder, ids) {
  encoder.reserve(ids.length);
  encoder.bytes.set(ids, encoder.at);
  encoder.at += ids.length;
}

/** Reads the nodes with these CIDs, some at a time; those that were removed meanwhile are left out. */
async function* nodesOf(connection, target, cids, waitFor) {
  let size = FIRST_NODES;
  for (let at = 0; at < cids.length; ) {
    if (at > 0) await turn();
    const some = cids.slice(at, at + size);
    const { nodes, bytes } = await waitFor(() => connection.make(target, GET_MANY, some));
    yield { taken: some.length, found: nodes.filter((node) => node !== undefined) };
    at += some.length;
    size = sizeFor(nodes.length, bytes, MOST_NODES);
  }
}
