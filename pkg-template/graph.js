import { nothing } from "./connection.js";
import { readOptions } from "./options.js";
import { encodeId, encodeIds } from "./record.js";
import { inOneGo, inTurns } from "./turn.js";
import { readWork } from "./work.js";

const readCids = (answer) => inOneGo(answer.manyCids());
const readCidsInTurns = (answer) => inTurns(answer.manyCids());
/** None is told by an empty one. */
const pathOf = (cids) => (cids.length === 0 ? undefined : cids);

/** How a store is asked for the nodes in some relation, which wasm knows by its number; see `Call` in connection.js. */
const relation = (number, encode) => ({
  encode,
  ask: (store, length, _, job) => store.related(number, length, undefined, job),
  read: readCids,
  readInTurns: readCidsInTurns,
});
const PARENTS = relation(0, encodeId);
const CHILDREN = relation(1, encodeId);
const ROOTS = { ...relation(2, nothing), ask: (store, length, scopeId, job) => store.related(2, length, scopeId, job) };
const MERGE_BASES = relation(3, encodeIds);
const PATH = {
  ...relation(4, encodeIds),
  read: (answer) => pathOf(readCids(answer)),
  readInTurns: async (answer) => pathOf(await readCidsInTurns(answer)),
};
const IS_ANCESTOR = {
  encode: encodeIds,
  ask: (store, length, _, job) => store.isAncestor(length, job),
  read: (answer) => answer.u8() === 1,
};

export function parents(connection, id) {
  return connection.make(connection, PARENTS, id);
}

export function children(connection, id) {
  return connection.make(connection, CHILDREN, id);
}

export function roots(connection, given) {
  return connection.make(connection, ROOTS, readOptions(given, "options", ["scopeId"]).text("scopeId"));
}

export function isAncestor(connection, ancestor, descendant, given) {
  return ask(connection, IS_ANCESTOR, [ancestor, descendant], given);
}

export function mergeBases(connection, ids, given) {
  return ask(connection, MERGE_BASES, ids, given);
}

export function path(connection, from, to, given) {
  return ask(connection, PATH, [from, to], given);
}

/** Asks what may take long. */
function ask(connection, call, ids, given) {
  const work = readWork(given);
  if (!work.isFollowed) return connection.make(connection, call, ids);
  return connection.makeFollowed(connection, call, ids, work);
}
