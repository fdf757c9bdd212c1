import { attempt } from "./attempt.js";
import { nothing } from "./connection.js";
import { packQuery } from "./list.js";
import { readOptions } from "./options.js";
import { inOneGo, inTurns, turn } from "./turn.js";
import { WORK_OPTIONS, Work } from "./work.js";

/** How many scopes are read in one go. */
const PAGE = 1024;

/** How a store is asked; see `Call` in connection.js. */
export const COUNT = {
  encode: nothing,
  ask: (store, _, query, job) => store.count(query, job),
  read: (answer) => answer.u64(),
};
const SCOPES = {
  encode: nothing,
  ask: (store, _, { after, limit }) => store.scopes(after, limit),
  read: (answer) => answer.list(readScope),
};
export const COMPARE = {
  encode: nothing,
  ask: (store, _, { other, scopeId }, job) => store.compare(other.wasm, scopeId, job),
  read: (answer) => inOneGo(comparisonOf(answer)),
  readInTurns: (answer) => inTurns(comparisonOf(answer)),
};

/** Counts what a list with these filters would give. */
export function count(connection, given) {
  const options = readOptions(given, "options", ["scopeId", "eventTypes", "since", "until", "afterCommit", ...WORK_OPTIONS]);
  const eventTypes = options.texts("eventTypes");
  const query = packQuery({
    scopeId: options.text("scopeId"),
    eventTypes,
    since: options.count("since"),
    until: options.count("until"),
    afterCommit: options.count("afterCommit"),
    byTime: false,
    reverse: false,
    limit: 1,
    cursor: undefined,
  });
  const work = new Work(options);
  connection.assertOpen();
  const counted = work.isFollowed
    ? connection.makeFollowed(connection, COUNT, query, work)
    : connection.make(connection, COUNT, query);
  // To wasm, no types mean all. It was asked for what else may be wrong.
  return eventTypes?.length === 0 ? counted.then(() => 0) : counted;
}

/** Reads which scopes there are. */
export function scopes(connection, given) {
  const options = readOptions(given, "options", ["after", "limit"]);
  const [after, limit = Infinity] = [options.text("after"), options.count("limit")];
  connection.assertOpen();
  return connection.holdOpen(readScopes(connection, after, limit));
}

async function readScopes(connection, after, limit) {
  const all = [];
  const target = connection.heldOpen();
  while (all.length < limit) {
    if (all.length > 0) await turn();
    const wanted = Math.min(PAGE, limit - all.length);
    const page = await connection.make(target, SCOPES, { after, limit: wanted });
    all.push(...page);
    if (page.length < wanted) break;
    after = page.at(-1).scopeId;
  }
  return all;
}

/** Finds what differs between two stores. */
export function compare(connection, other, given) {
  const options = readOptions(given, "options", ["scopeId", ...WORK_OPTIONS]);
  const subject = { other, scopeId: options.text("scopeId") };
  const work = new Work(options);
  const comparing = attempt(() => connection.makeWithOther(other, COMPARE, subject, work));
  return connection.holdOpen(other.holdOpen(comparing));
}

function readScope(answer) {
  const scopeId = answer.string();
  return { scopeId, nodes: answer.u64() };
}

function* comparisonOf(answer) {
  const visited = answer.u64();
  const stateHashes = [answer.string(), answer.string()];
  const onlyHere = yield* answer.manyCids();
  const onlyThere = yield* answer.manyCids();
  return { onlyHere, onlyThere, stateHashes, visited };
}
