/**
 * The golden trace: a thousand operations that every runtime and the Rust crate replay, with the same
 * CIDs, order and state hashes. docs/vectors/README.md says how it is written.
 */
import { equal, ok } from "./expect.mjs";
import { golden } from "./golden.mjs";

/** The order is read whole so often; in between, only its end. */
const WHOLE = 25;
const TAIL = 8;

/** A node of the trace, as a caller gives it. */
function nodeOf({ content, parents, event_type: eventType, scope_id: scopeId, timestamp, nonce }, { Link }) {
  const node = { content: valueOf(content, Link), eventType, scopeId, timestamp, parents: parents.map(cidOf) };
  return nonce === undefined ? node : { ...node, nonce: valueOf(nonce, Link) };
}

const cidOf = (number) => golden.nodes[number].cid;

/** The value that a piece of typed JSON stands for. */
function valueOf(json, Link) {
  if (json === null || typeof json !== "object") return json;
  if (Array.isArray(json)) return json.map((item) => valueOf(item, Link));
  if (!Object.hasOwn(json, "/")) return mapOf(Object.entries(json), Link);
  const form = json["/"];
  if (typeof form === "string") return Link.parse(form);
  if (form.bytes !== undefined) return Uint8Array.from(atob(form.bytes), (character) => character.charCodeAt(0));
  if (form.int !== undefined) return BigInt(form.int);
  if (form.float !== undefined) return new Float64Array(BigUint64Array.of(BigInt(`0x${form.float}`)).buffer)[0];
  return mapOf(form.map, Link);
}

function mapOf(entries, Link) {
  const map = {};
  for (const [key, value] of entries) {
    // Not assigned, which for `__proto__` would be something else.
    const property = { value: valueOf(value, Link), enumerable: true, configurable: true, writable: true };
    Object.defineProperty(map, key, property);
  }
  return map;
}

function optionsOf({ conditions = [] }) {
  return {
    conditions: conditions.map((condition) => {
      if (condition.heads) return { heads: condition.heads.map(cidOf), scopeId: condition.scope_id };
      if (condition.state_hash) return { stateHash: condition.state_hash };
      return { absent: cidOf(condition.absent) };
    }),
  };
}

/** Does an operation on the store, and gives what the trace says of it. */
const OPERATIONS = {
  insert: (store, { node }, { nodes }) => store.insert(nodes[node]),
  insert_block: async (store, { node }, { library }) => store.insertBlock(await library.getBlock(cidOf(node))),
  insert_many: (store, operation, { nodes }) =>
    store.insertMany(operation.nodes.map((number) => nodes[number]), optionsOf(operation)),
  remove: (store, { node }) => store.remove(cidOf(node)),
  batch: async (store, operation, { nodes }) => {
    const batch = await store.beginBatch();
    for (const { insert, remove } of operation.steps) {
      if (insert === undefined) await batch.remove(cidOf(remove));
      else equal(await batch.insert(nodes[insert]), cidOf(insert));
    }
    return operation.end === "commit" ? batch.commit(optionsOf(operation)) : batch.rollback();
  },
  look: async (store, { scopes, heads }) => {
    equal(await store.heads(), heads.map(cidOf));
    for (const { id: scopeId, size, heads: ofScope, state_hash: hash } of scopes) {
      equal(await store.size({ scopeId }), size);
      equal(await store.heads({ scopeId }), ofScope.map(cidOf));
      equal(await store.stateHash({ scopeId }), hash);
    }
  },
};

/** Fills another store with what this one lists, in one of the ways in which people do. */
async function replayed(store, how, open) {
  const other = await open();
  if (how === "one by one") {
    for await (const read of store.list()) equal(await other.insert(read), read.cid);
  } else {
    await other.insertMany(await store.list({ reverse: how !== "at once" }).toArray());
  }
  await store.close();
  return other;
}

/** What the operation must give: a commit, an error's code, an id, or what else it says. */
function expected({ do: kind, node, gives }) {
  if (gives?.inserted) return { ...gives, inserted: gives.inserted.map(cidOf), removed: gives.removed.map(cidOf) };
  return gives === undefined && kind.startsWith("insert") ? cidOf(node) : gives;
}

/** What it gave, in the same form. */
async function outcome(call) {
  try {
    const given = await call;
    if (given?.inserted === undefined) return given;
    const { sequence, inserted, removed } = given;
    return { sequence, inserted, removed };
  } catch (error) {
    return error.code ?? error;
  }
}

/** The order after an operation that gave this. */
function orderAfter(before, { node, order }, given) {
  if (order) return order.map(cidOf);
  const { inserted, removed } = given?.inserted ? given : {
    inserted: typeof given === "string" && !given.startsWith("ERR_") ? [given] : [],
    removed: given === true ? [cidOf(node)] : [],
  };
  const added = inserted.filter((cid) => !before.includes(cid));
  return before.filter((cid) => !removed.includes(cid)).concat(added);
}

/**
 * Does the thousand operations, and looks after each.
 *
 * @param {object} api
 * @param {() => DagStore | Promise<DagStore>} open gives a new, empty store
 * @param {(store: DagStore) => DagStore | Promise<DagStore>} [again] gives another one with the same nodes, after each operation
 */
export async function playTrace(api, open, again = (store) => store) {
  const library = new api.DagStore();
  const nodes = golden.nodes.map((node) => nodeOf(node, api));
  const { inserted } = await library.insertMany(nodes);
  equal(inserted, golden.nodes.map(({ cid }) => cid));

  let store = await open();
  let order = [];
  let state = { size: 0, state_hash: await store.stateHash() };
  for (const [i, operation] of golden.operations.entries()) {
    const place = `operation ${i}, ${operation.do}`;
    if (operation.do === "replay") {
      store = await replayed(store, operation.how, open);
      order = orderAfter(order, operation);
    } else {
      const given = await outcome(OPERATIONS[operation.do](store, operation, { nodes, library }));
      equal(given, expected(operation), place);
      order = orderAfter(order, operation, given);
    }
    store = await again(store);
    state = { size: operation.size ?? state.size, state_hash: operation.state_hash ?? state.state_hash };
    equal({ size: await store.size(), state_hash: await store.stateHash() }, state, place);
    const limit = i % WHOLE === 0 || operation.order ? Number.MAX_SAFE_INTEGER : TAIL;
    const end = await store.list({ reverse: true, limit }).toArray();
    equal(end.map(({ cid }) => cid), order.slice(-limit).reverse(), place);
  }
  equal(await store.verify().then(({ stateHash }) => stateHash), state.state_hash);
  equal(golden.operations.length, 1000);
  await store.close();
}

export const trace = [
  ["1,000 operations give the CIDs, the order and the state hashes that they give everywhere", (api) => playTrace(api, () => new api.DagStore())],
];
