/** Counting without listing, the scopes there are, and what differs between two stores. */
import { equal, node, ok, rejects } from "./expect.mjs";

const TYPES = ["genesis", "vote", "my own"];

/** Nodes of some scopes, whose times are not in order. */
const nodes = (count, from = 0) =>
  Array.from({ length: count }, (_, i) =>
    node(from + i, {
      timestamp: ((from + i) * 7919) % 500,
      scopeId: `scope ${(from + i) % 7}`,
      eventType: TYPES[(from + i) % TYPES.length],
    }));

async function filled({ DagStore }, given) {
  const store = new DagStore();
  const { inserted } = await store.insertMany(given);
  return { store, nodes: given.map((each, i) => ({ ...each, cid: inserted[i] })) };
}

/** The order of a comparison, for nodes whose scopes sort as their bytes do. */
const sorted = (nodes) => {
  const key = ({ scopeId, timestamp }) => `${scopeId} ${String(timestamp).padStart(9)}`;
  return [...nodes].sort((a, b) => (key(a) < key(b) ? -1 : 1)).map(({ cid }) => cid);
};

/** Two stores that share nodes, and have some of their own. */
async function two(api, { shared = 300, here = 20, there = 30 } = {}) {
  const all = nodes(shared + here + there);
  const one = await filled(api, all.slice(0, shared + here));
  const other = await filled(api, [...all.slice(shared + here).reverse(), ...all.slice(0, shared)]);
  const times = new Set(all.map(({ scopeId, timestamp }) => `${scopeId} ${timestamp}`));
  ok(times.size === all.length, "no two nodes of a scope have the same time");
  return { here: one.store, there: other.store, onlyHere: one.nodes.slice(shared), onlyThere: other.nodes.slice(0, there) };
}

export const queries = [
  [
    "counts are those of the list",
    async (api) => {
      const { store, nodes: all } = await filled(api, nodes(300));
      equal(await store.count(), 300);
      equal(await store.count({}), 300);
      for (const scopeId of [undefined, "scope 3", "none"]) {
        for (const [since, until] of [[], [100], [undefined, 100], [100, 100], [100, 300], [300, 100], [0, Number.MAX_SAFE_INTEGER]]) {
          for (const eventTypes of [undefined, [], ["vote"], ["my own", "genesis"], ["none"]]) {
            const filter = { scopeId, since, until, eventTypes };
            const listed = await store.list(filter).toArray();
            equal(await store.count(filter), listed.length, JSON.stringify(filter));
          }
        }
      }
      const before = await store.sequence();
      await store.insertMany(nodes(20, 300));
      for (const filter of [{}, { scopeId: "scope 3" }, { eventTypes: ["vote"] }, { since: 305 }]) {
        const since = { ...filter, afterCommit: before };
        const [counted, listed] = [await store.count(since), await store.list(since).toArray()];
        equal(counted, listed.length, JSON.stringify(filter));
        ok(counted > 0 && counted <= 20, `${counted} of them are new`);
      }
      equal(await store.count({ afterCommit: before + 1 }), 0);
      for (const beyond of [{ afterCommit: before + 2 }, { afterCommit: 2 ** 53 - 1, scopeId: "none" }]) {
        await rejects(store.count(beyond), "ERR_INVALID_ARGUMENT");
        for (const order of ["insertion", "time"]) {
          const list = store.list({ scopeId: "scope 3", ...beyond, order });
          await rejects(list.toArray(), "ERR_INVALID_ARGUMENT");
          await rejects(list.page(), "ERR_INVALID_ARGUMENT");
        }
      }
      await store.remove(all[0].cid);
      equal(await store.count({ scopeId: all[0].scopeId, since: all[0].timestamp, until: all[0].timestamp }), 0);
    },
  ],
  [
    "a long count can be followed and given up",
    async (api) => {
      const { store } = await filled(api, nodes(5000));
      const told = [];
      const found = await store.count({ eventTypes: ["vote"], onProgress: (progress) => told.push(progress) });
      equal(found, (await store.list({ eventTypes: ["vote"] }).toArray()).length);
      equal(told.at(-1), { done: 5000, total: 5000 });
      const reason = new Error("no longer wanted");
      const error = await rejects(store.count({ signal: AbortSignal.abort(reason) }), "ERR_ABORTED");
      ok(error.cause === reason);
    },
  ],
  [
    "scopes are told with how many nodes they have",
    async (api) => {
      const { store, nodes: all } = await filled(api, nodes(20));
      const expected = Array.from({ length: 7 }, (_, i) => ({ scopeId: `scope ${i}`, nodes: i < 6 ? 3 : 2 }));
      equal(await store.scopes(), expected);
      equal(await store.scopes({ limit: 2 }), expected.slice(0, 2));
      equal(await store.scopes({ limit: 0 }), []);
      equal(await store.scopes({ after: "scope 2", limit: 3 }), expected.slice(3, 6));
      equal(await store.scopes({ after: "scope 25" }), expected.slice(3));
      const batch = await store.beginBatch();
      await batch.removeMany(all.filter(({ scopeId }) => scopeId === "scope 1").map(({ cid }) => cid));
      await batch.commit();
      equal(await store.scopes(), expected.filter((_, i) => i !== 1));
      equal(await new api.DagStore().scopes(), []);
    },
  ],
  [
    "all scopes come, however many there are",
    async (api) => {
      const many = Array.from({ length: 2100 }, (_, i) => node(i, { scopeId: `scope ${String(i).padStart(4, "0")}` }));
      const { store } = await filled(api, many);
      const expected = many.map(({ scopeId }) => ({ scopeId, nodes: 1 }));
      equal(await store.scopes(), expected);
      equal(await store.scopes({ limit: 1500, after: "scope 0009" }), expected.slice(10, 1510));
      const reading = store.scopes();
      const closing = store.close();
      equal((await reading).length, 2100);
      await closing;
    },
  ],
  [
    "comparisons find what differs",
    async (api) => {
      const { here, there, onlyHere, onlyThere } = await two(api);
      const found = await here.compare(there);
      equal(Object.keys(found), ["onlyHere", "onlyThere", "stateHashes", "visited"]);
      equal(found.onlyHere, sorted(onlyHere));
      equal(found.onlyThere, sorted(onlyThere));
      equal(found.stateHashes, [await here.stateHash(), await there.stateHash()]);
      const back = await there.compare(here);
      equal([back.onlyHere, back.onlyThere, back.visited], [found.onlyThere, found.onlyHere, found.visited]);

      // What is missing, carried over.
      await here.insertMany(await there.getMany(found.onlyThere));
      await there.insertMany(await here.getMany(found.onlyHere));
      const stateHash = await here.stateHash();
      equal(await here.compare(there), { onlyHere: [], onlyThere: [], stateHashes: [stateHash, stateHash], visited: 2 });
      equal((await here.compare(here)).visited, 2);
    },
  ],
  [
    "comparisons of a scope",
    async (api) => {
      const { here, there, onlyHere, onlyThere } = await two(api);
      const options = { scopeId: "scope 5" };
      const found = await here.compare(there, options);
      const of = (nodes) => nodes.filter(({ scopeId }) => scopeId === "scope 5");
      equal([found.onlyHere, found.onlyThere], [sorted(of(onlyHere)), sorted(of(onlyThere))]);
      equal(found.stateHashes, [await here.stateHash(options), await there.stateHash(options)]);
      const none = await here.compare(there, { scopeId: "nobody's" });
      equal([none.onlyHere, none.onlyThere, none.visited], [[], [], 2]);
    },
  ],
  [
    "comparisons with a store that is empty, or new",
    async (api) => {
      const { store, nodes: all } = await filled(api, nodes(300));
      const found = await store.compare(new api.DagStore());
      equal([found.onlyHere, found.onlyThere], [sorted(all), []]);
      const back = await new api.DagStore().compare(store);
      equal([back.onlyHere, back.onlyThere], [[], sorted(all)]);
      equal((await new api.DagStore().compare(new api.DagStore())).visited, 2);
    },
  ],
  [
    "comparisons look at little, where little differs",
    async (api) => {
      const { store, nodes: all } = await filled(api, nodes(5000));
      const { store: other } = await filled(api, nodes(5000));
      await other.remove(all[1234].cid);
      const found = await store.compare(other);
      equal([found.onlyHere, found.onlyThere], [[all[1234].cid], []]);
      // 2^13 is more than there are.
      ok(found.visited <= 4 * 13, `${found.visited} parts were read`);
    },
  ],
  [
    "a long comparison can be followed and given up",
    async (api) => {
      const { store } = await filled(api, nodes(5000));
      const { store: other } = await filled(api, nodes(5000, 5000));
      const told = [];
      const found = await store.compare(other, { onProgress: (progress) => told.push(progress) });
      equal([found.onlyHere.length, found.onlyThere.length], [5000, 5000]);
      ok(told.length > 0 && told.every(({ done, total = done }) => done <= total), JSON.stringify(told));
      ok(told.at(-1).done === told.at(-1).total, JSON.stringify(told.at(-1)));
      const gone = new AbortController();
      const given = store.compare(other, { signal: gone.signal, onProgress: () => gone.abort() });
      // An engine that gives no turns has it done before anybody hears of it.
      const outcome = await given.then(() => "done", ({ code }) => code);
      ok(outcome === "ERR_ABORTED" || outcome === "done", outcome);
      await rejects(store.compare(other, { signal: AbortSignal.abort() }), "ERR_ABORTED");
    },
  ],
  [
    "a store that closes lets its questions end",
    async (api) => {
      const { store } = await filled(api, nodes(3000));
      const { store: other } = await filled(api, nodes(3000, 3000));
      const asked = [store.compare(other), other.compare(store), other.count({ eventTypes: ["vote"] })];
      const closing = [store.close(), other.close()];
      const [one, two, votes] = await Promise.all(asked);
      equal([one.onlyHere, two.onlyHere.length, votes], [two.onlyThere, 3000, 1000]);
      await Promise.all(closing);
    },
  ],
  [
    "questions to a store that is closed, and about one",
    async (api) => {
      const { DagStore } = api;
      const [store, closed] = [new DagStore(), new DagStore()];
      await closed.size();
      await closed.close();
      for (const call of [() => closed.count(), () => closed.scopes(), () => closed.count({ eventTypes: [] }),
        () => closed.compare(store), () => store.compare(closed)]) {
        await rejects(call, "ERR_CLOSED", String(call));
      }
      equal(await store.size(), 0);
    },
  ],
  [
    "questions that make no sense",
    async ({ DagStore }) => {
      const store = new DagStore();
      const odd = [null, 5, "scope", [], { scope: "s" }, { scopeId: 1 }, { scopeId: "\ud800" }, { signal: 1 }, { onProgress: 1 }];
      for (const options of [...odd, { since: -1 }, { until: "1" }, { eventTypes: "vote" }, { eventTypes: [1] }, { limit: 1 }]) {
        await rejects(store.count(options), "ERR_INVALID_ARGUMENT", JSON.stringify(options));
      }
      for (const options of [...odd, { since: 1 }]) {
        await rejects(store.compare(store, options), "ERR_INVALID_ARGUMENT", JSON.stringify(options));
      }
      for (const options of [null, 5, { after: 1 }, { limit: -1 }, { limit: 1.5 }, { after: "\ud800" }, { scopeId: "s" }]) {
        await rejects(store.scopes(options), "ERR_INVALID_ARGUMENT", JSON.stringify(options));
      }
      const others = [undefined, null, 5, {}, Object.create(DagStore.prototype), new Proxy(new DagStore(), {}), DagStore];
      for (const other of others) {
        const { message, cause } = await rejects(store.compare(other), "ERR_INVALID_ARGUMENT");
        ok(message.startsWith("compare takes a DagStore") && cause === undefined, message);
      }
      for (const options of [{ eventTypes: [], afterCommit: 1 }, { eventTypes: [], afterCommit: 1, onProgress() {} }]) {
        await rejects(store.count(options), "ERR_INVALID_ARGUMENT", JSON.stringify(options));
      }
      equal(await store.count({ eventTypes: [], onProgress() {} }), 0);
      const { count, compare } = store;
      await rejects(count(), "ERR_INVALID_ARGUMENT");
      await rejects(compare(store), "ERR_INVALID_ARGUMENT");
      equal(await store.count({ scopeId: undefined, eventTypes: undefined, signal: undefined }), 0);
    },
  ],
];
