/** Reading many nodes in order. */
import { equal, node, ok, rejects } from "./expect.mjs";

const TYPES = ["genesis", "vote", "my own"];

/** 300 nodes, more than a page, with times that are not in order; gives them as they were inserted. */
async function filled({ DagStore }) {
  const store = new DagStore();
  const nodes = Array.from({ length: 300 }, (_, i) =>
    node(i, { timestamp: (i * 7919) % 300, scopeId: i % 3 ? "a" : "b", eventType: TYPES[i % TYPES.length] }));
  const { inserted } = await store.insertMany(nodes);
  return { store, nodes: nodes.map((n, i) => ({ ...n, cid: inserted[i] })) };
}

const cids = (nodes) => nodes.map(({ cid }) => cid);

export const lists = [
  [
    "limits of nothing and of more than there can be",
    async (api) => {
      const { store, nodes } = await filled(api);
      equal(await store.list({ limit: 0 }).toArray(), []);
      equal(await store.list({ limit: 0 }).page(), { nodes: [], cursor: undefined });
      equal(await store.list({ eventTypes: [] }).page(), { nodes: [], cursor: undefined });
      equal(await store.list({ eventTypes: [], limit: 5 }).toArray(), []);
      // Where nothing is wanted, what is wrong is told all the same.
      for (const wrong of [{ order: "time" }, { cursor: "none" }, { afterCommit: 1e6 }]) {
        for (const nothing of [{ limit: 0 }, { eventTypes: [] }]) {
          const list = store.list({ ...wrong, ...nothing });
          await rejects(list.toArray(), "ERR_INVALID_ARGUMENT", JSON.stringify(wrong));
          await rejects(list.page(), "ERR_INVALID_ARGUMENT", JSON.stringify(wrong));
        }
      }
      const { nodes: all, cursor } = await store.list({ limit: Number.MAX_SAFE_INTEGER }).page();
      equal([cids(all), cursor], [cids(nodes), undefined]);
      equal((await store.list({ limit: Number.MAX_SAFE_INTEGER }).toArray()).length, nodes.length);
    },
  ],
  [
    "a list is in insertion order, in every way of reading it",
    async (api) => {
      const { store, nodes } = await filled(api);
      equal(cids(await store.list().toArray()), cids(nodes));
      const iterated = [];
      for await (const { cid } of store.list()) iterated.push(cid);
      equal(iterated, cids(nodes));
      const paged = [];
      let page = { cursor: undefined };
      do {
        page = await store.list({ cursor: page.cursor, limit: 70 }).page();
        ok(page.nodes.length <= 70);
        paged.push(...cids(page.nodes));
      } while (page.cursor !== undefined);
      equal(paged, cids(nodes));
      equal(Object.keys((await store.list().toArray())[0]), ["cid", "content", "eventType", "scopeId", "timestamp", "parents"]);
    },
  ],
  [
    "filters choose, and keep the order",
    async (api) => {
      const { store, nodes } = await filled(api);
      const filters = [
        [{ scopeId: "a" }, (n) => n.scopeId === "a"],
        [{ scopeId: "none" }, () => false],
        [{ eventTypes: ["vote"] }, (n) => n.eventType === "vote"],
        [{ eventTypes: ["my own", "genesis"] }, (n) => n.eventType !== "vote"],
        [{ eventTypes: [] }, () => false],
        [{ since: 100 }, (n) => n.timestamp >= 100],
        [{ until: 100 }, (n) => n.timestamp <= 100],
        [{ since: 100, until: 100 }, (n) => n.timestamp === 100],
        [{ since: 101, until: 100 }, () => false],
        [{ scopeId: "b", eventTypes: ["genesis"], since: 10, until: 200 },
          (n) => n.scopeId === "b" && n.eventType === "genesis" && n.timestamp >= 10 && n.timestamp <= 200],
      ];
      for (const [filter, chosen] of filters) {
        const expected = cids(nodes.filter(chosen));
        equal(cids(await store.list(filter).toArray()), expected, JSON.stringify(filter));
        equal(cids(await store.list({ ...filter, reverse: true }).toArray()), expected.reverse(), JSON.stringify(filter));
      }
    },
  ],
  [
    "by time",
    async (api) => {
      const { store, nodes } = await filled(api);
      const byTime = nodes.filter((n) => n.scopeId === "a").sort((a, b) => a.timestamp - b.timestamp);
      const options = { scopeId: "a", order: "time" };
      equal(cids(await store.list(options).toArray()), cids(byTime));
      equal(cids(await store.list({ ...options, reverse: true }).toArray()), cids(byTime).reverse());
      equal(cids(await store.list({ ...options, since: 50, limit: 9 }).toArray()),
        cids(byTime.filter((n) => n.timestamp >= 50)).slice(0, 9));
      await rejects(store.list({ order: "time" }).toArray(), "ERR_INVALID_ARGUMENT");
    },
  ],
  [
    "limits",
    async (api) => {
      const { store, nodes } = await filled(api);
      for (const limit of [0, 1, 63, 64, 65, 256, 299, 300, 301, 2 ** 31]) {
        equal(cids(await store.list({ limit }).toArray()), cids(nodes).slice(0, limit), `limit ${limit}`);
      }
      equal((await store.list({ limit: 0 }).page()).nodes, []);
      equal((await store.list().page()).nodes.length, 256);
      const reverse = await store.list({ limit: 5, reverse: true }).toArray();
      equal(cids(reverse), cids(nodes).reverse().slice(0, 5));
    },
  ],
  [
    "a list is lazy, and reads what is there then",
    async (api) => {
      const { store, nodes } = await filled(api);
      const list = store.list({ limit: 1000 });
      const late = await store.insert(node(1000));
      const iterator = list[Symbol.asyncIterator]();
      const seen = [(await iterator.next()).value.cid];
      // Others write while we read.
      await store.remove(nodes[299].cid);
      const later = await store.insert(node(1001));
      for await (const { cid } of iterator) seen.push(cid);
      equal(seen, [...cids(nodes).slice(0, 299), late, later]);
      equal((await iterator.next()).done, true);
      equal(cids(await list.toArray()), seen, "a list can be read again");
    },
  ],
  [
    "a cursor stays valid when its node is removed",
    async (api) => {
      const { store, nodes } = await filled(api);
      for (const options of [{}, { scopeId: "a", order: "time" }, { reverse: true }]) {
        const { nodes: read, cursor } = await store.list({ ...options, limit: 10 }).page();
        const rest = cids(await store.list({ ...options, cursor }).toArray());
        await store.remove(read.at(-1).cid);
        equal(cids(await store.list({ ...options, cursor }).toArray()), rest);
      }
      ok(nodes.length === 300);
    },
  ],
  [
    "a loop may end early, and start calls of its own",
    async (api) => {
      const { store, nodes } = await filled(api);
      let count = 0;
      for await (const read of store.list()) {
        equal((await store.get(read.cid)).cid, nodes[count].cid);
        await store.insert(node(5000 + count));
        if (++count === 100) break;
      }
      equal(await store.size(), 400);
      const iterator = store.list()[Symbol.asyncIterator]();
      const both = await Promise.all([iterator.next(), iterator.next()]);
      equal(both.map(({ value }) => value.cid), cids(nodes).slice(0, 2));
      await iterator.return();
      equal((await iterator.next()).done, true);
    },
  ],
  [
    "large nodes come in small pages",
    async ({ DagStore }) => {
      const store = new DagStore();
      const content = "x".repeat(300_000);
      await store.insertMany(Array.from({ length: 70 }, (_, i) => node(i, { content })));
      let count = 0;
      for await (const read of store.list()) count += read.content.length === 300_000 ? 1 : 0;
      equal(count, 70);
    },
  ],
  [
    "options that make no sense",
    async ({ DagStore }) => {
      const store = new DagStore();
      const odd = [null, 5, "scope", [], { scope: "s" }, { scopeId: 1 }, { scopeId: "\ud800" }, { eventTypes: "vote" },
        { since: -1 }, { since: 1.5 }, { until: "1" }, { since: 1n }, { order: "random" }, { order: 1 }, { reverse: 1 },
        { limit: -1 }, { limit: NaN }, { cursor: 5 }, { cursor: "nonsense" }, { cursor: "" },
        { eventTypes: [1] }, Object.defineProperty({}, "limit", { get: () => 1 })];
      for (const options of odd) {
        await rejects(store.list(options).toArray(), "ERR_INVALID_ARGUMENT");
        await rejects(store.list(options).page(), "ERR_INVALID_ARGUMENT");
        await rejects(store.list(options)[Symbol.asyncIterator]().next(), "ERR_INVALID_ARGUMENT");
      }
      equal(await store.list({ scopeId: undefined, limit: undefined, cursor: undefined }).toArray(), []);
    },
  ],
];
