/** Copying a store into another. */
import { equal, node, ok, rejects } from "./expect.mjs";

/** A chain of nodes over some scopes, whose times are not in order. */
async function filled({ DagStore }, count, each = 10, options) {
  const store = new DagStore(options);
  let parents = [];
  for (let from = 0; from < count; from += each) {
    const batch = await store.beginBatch();
    for (let i = from; i < Math.min(from + each, count); i++) {
      parents = [await batch.insert(node(i, { parents, scopeId: `scope ${i % 3}`, timestamp: (i * 7919) % 500 }))];
    }
    await batch.commit();
  }
  return store;
}

const all = (store) => store.list().toArray();

export const copies = [
  [
    "a copy has the same nodes in the same order",
    async (api) => {
      const store = await filled(api, 300);
      const other = new api.DagStore();
      const stateHash = await store.stateHash();
      const { bytes, ...copied } = await store.copyTo(other, { verify: true });
      equal(copied, { nodes: 300, skipped: 0, total: 300, stateHash });
      let sum = 0;
      for (const { cid } of await all(store)) sum += (await store.getBlock(cid)).length;
      equal(bytes, sum);
      equal(await all(other), await all(store));
      equal(await store.copyTo(other), { nodes: 0, bytes: 0, skipped: 300, total: 300, stateHash });
      equal((await store.copyTo(store)).nodes, 0);
      equal((await new api.DagStore().copyTo(new api.DagStore(), { verify: true })).total, 0);
    },
  ],
  [
    "a copy adds what is missing, and goes on where one was given up",
    async (api) => {
      const store = await filled(api, 4000, 100);
      const other = new api.DagStore({ limits: { batchOperations: 250 } });
      const gone = new AbortController();
      const onProgress = ({ done }) => done > 1000 && gone.abort(new Error("enough"));
      const { cause } = await rejects(store.copyTo(other, { signal: gone.signal, onProgress }), "ERR_ABORTED");
      equal(cause.message, "enough");
      equal(await other.size(), 1250);
      await other.verify();
      const begins = [];
      const { nodes, skipped } = await store.copyTo(other, { verify: true, onProgress: ({ done }) => begins.push(done) });
      equal([nodes, skipped], [2750, 1250]);
      // At the commit that is lacking in part.
      equal(begins[0], 1200);
      equal(await all(other), await all(store));
      await rejects(store.copyTo(other, { signal: AbortSignal.abort() }), "ERR_ABORTED");
    },
  ],
  [
    "a copy tells how far it is, in nodes",
    async (api) => {
      const store = await filled(api, 3000, 500);
      const told = [];
      await store.copyTo(new api.DagStore(), { onProgress: (progress) => told.push(progress) });
      equal(told.at(-1), { done: 3000, total: 3000 });
      ok(told.every(({ done }, i) => i === 0 || done >= told[i - 1].done), JSON.stringify(told));
    },
  ],
  [
    "where some nodes are there already, the others are added among them",
    async (api) => {
      const store = await filled(api, 300);
      const other = new api.DagStore();
      const listed = await all(store);
      // The first ones, and some scopes of others: roots, whose commits stand between those that are lacking.
      await other.insertMany(listed.slice(0, 25));
      const late = node(5000, { scopeId: "late" });
      await store.insert(late);
      await other.insert(late);
      const { nodes, skipped } = await store.copyTo(other, { verify: true });
      equal([nodes, skipped], [275, 26]);
    },
  ],
  [
    "what comes while a copy is made and verified is copied too, unless that never rests",
    async (api) => {
      const store = await filled(api, 2500, 100);
      const other = new api.DagStore();
      let news = 0;
      const writing = (most) => () => news < most && store.insert(node(10_000 + news++));
      const { nodes, total, stateHash } = await store.copyTo(other, { verify: true, onProgress: writing(3) });
      equal([nodes, total, stateHash], [2503, 2503, await store.stateHash()]);
      await store.insert(node(5000));
      const error = await rejects(store.copyTo(other, { verify: true, onProgress: writing(Infinity) }), "ERR_CONTENDED");
      ok(error.message.includes("when nobody writes"));
      ok((await store.copyTo(other, { verify: true })).skipped > 2503);
    },
  ],
  [
    "what is removed while a copy is made is no harm",
    async (api) => {
      const store = await filled(api, 2500, 100);
      const other = new api.DagStore();
      const [last] = await store.heads();
      const copied = await store.copyTo(other, { onProgress: ({ done }) => done === 1024 && store.remove(last) });
      equal([copied.nodes, await other.size()], [2499, 2499]);
      equal(copied.stateHash, await store.stateHash());
    },
  ],
  [
    "given up at any moment, a copy ends at once and goes on the next time",
    async (api) => {
      const store = await filled(api, 30);
      const ends = { done: 0, ERR_ABORTED: 0 };
      for (let after = 0; ends.done < 5; after++) {
        const [other, gone] = [new api.DagStore(), new AbortController()];
        const copying = store.copyTo(other, { verify: true, signal: gone.signal }).then(() => "done", ({ code }) => code);
        for (let i = 0; i < after; i++) await undefined;
        gone.abort();
        ends[await copying]++;
        const there = await other.size();
        ok(there === 0 || there === 30, there);
        equal((await store.copyTo(other, { verify: true })).skipped, there);
      }
      ok(ends.ERR_ABORTED > 10, JSON.stringify(ends));
    },
  ],
  [
    "what a caller's functions throw ends a copy, and a copy of large nodes is made",
    async (api) => {
      const store = new api.DagStore();
      for (let i = 0; i < 12; i++) await store.insert(node(i, { content: new Uint8Array(900_000).fill(i) }));
      const other = new api.DagStore();
      const oops = new Error("oops");
      const onProgress = ({ done }) => {
        if (done > 0) throw oops;
      };
      equal((await rejects(store.copyTo(other, { onProgress }), "ERR_ABORTED")).cause, oops);
      // Five of them are more than a commit waits for.
      equal(await other.size(), 5);
      const { nodes, skipped } = await store.copyTo(other, { verify: true });
      equal([nodes, skipped], [7, 5]);
    },
  ],
  [
    "a copy into a store that holds more leaves that, and verify says so",
    async (api) => {
      const store = await filled(api, 50);
      const other = new api.DagStore();
      const more = await other.insert(node(1000));
      const { nodes, stateHash } = await store.copyTo(other);
      equal([nodes, stateHash, await other.size()], [50, undefined, 51]);
      const error = await rejects(store.copyTo(other, { verify: true }), "ERR_CONDITION_FAILED");
      equal(error.cid, more);
      ok(await other.has(more));
    },
  ],
  [
    "what a store does not take ends a copy, and leaves what came before",
    async (api) => {
      const store = await filled(api, 20);
      const large = await store.insert(node(1, { content: "x".repeat(5000) }));
      const other = new api.DagStore({ limits: { blockBytes: 1000 } });
      const error = await rejects(store.copyTo(other), "ERR_LIMIT");
      ok(error.cid === undefined || error.cid === large, error.cid);
      equal(await other.size(), 20);
      await other.verify();
    },
  ],
  [
    "copies are made of stores that are open, into stores that are",
    async (api) => {
      const [store, closed] = [await filled(api, 3), await filled(api, 2)];
      await closed.close();
      await rejects(store.copyTo(closed), "ERR_CLOSED");
      await rejects(closed.copyTo(store), "ERR_CLOSED");
      for (const other of [undefined, null, {}, "store", Object.create(store)]) {
        await rejects(store.copyTo(other), "ERR_INVALID_ARGUMENT");
      }
      for (const options of [{ verify: 1 }, { scopeId: "s" }, { signal: {} }]) {
        await rejects(store.copyTo(new api.DagStore(), options), "ERR_INVALID_ARGUMENT");
      }
      // One that is called before a store closes comes to its end.
      const other = new api.DagStore();
      const [copied] = await Promise.all([store.copyTo(other), store.close()]);
      equal([copied.nodes, await other.size()], [3, 3]);
    },
  ],
];
