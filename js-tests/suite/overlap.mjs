/** Many calls at once. */
import { equal, node, ok, shuffled } from "./expect.mjs";
import { chain } from "./store.mjs";

export const overlap = [
  [
    "calls made before the wasm is loaded keep their order",
    async ({ DagStore }) => {
      const store = new DagStore();
      const other = new DagStore();
      const ids = await chain(other, 20);
      const nodes = await other.getMany(ids);
      // Each needs the one before, and the sizes between them tell when each took effect.
      const calls = nodes.flatMap((read) => [store.insert(read), store.size()]);
      const many = store.insertMany(Array.from({ length: 10 }, (_, i) => node(100 + i)));
      const after = [store.size(), store.remove(ids.at(-1)), store.size(), store.beginBatch(), store.heads()];
      equal(await Promise.all(calls), ids.flatMap((id, i) => [id, i + 1]));
      equal((await many).sequence, 21);
      equal((await Promise.all(after)).slice(0, 3), [30, true, 29]);
    },
  ],
  [
    "a call does not overtake those that wait",
    async ({ DagStore }) => {
      // With the wasm there already, a store opens within microtasks; calls made in each of them come last.
      await new DagStore().size();
      const store = new DagStore();
      const inserts = [1, 2, 3].map((i) => store.insert(node(i)));
      const sizes = [];
      for (let hop = 0; hop < 20; hop++) {
        sizes.push(store.size());
        await undefined;
      }
      await Promise.all(inserts);
      equal(await Promise.all(sizes), sizes.map(() => 3));
    },
  ],
  [
    "10 writers of 10 chains of 10",
    async ({ DagStore }) => {
      const store = new DagStore();
      const writers = Array.from({ length: 10 }, (_, i) => chain(store, 10, { scopeId: `writer ${i}` }));
      const ids = (await Promise.all(writers)).flat();
      equal([new Set(ids).size, await store.size(), (await store.heads()).length], [100, 100, 10]);
    },
  ],
  [
    "10,000 calls at once, shuffled",
    async ({ DagStore }) => {
      const store = new DagStore();
      const known = await chain(store, 50, { scopeId: "known" });
      let inserted = 0;
      let committed = 0;
      const kinds = [
        async (i) => {
          await store.insert(node(i));
          inserted++;
        },
        async (i) => equal((await store.get(known[i % 50])).cid, known[i % 50]),
        async (i) => equal(await store.has(known[i % 50]), true),
        async (i) => {
          const { length } = await store.list({ scopeId: "known", limit: i % 100 }).toArray();
          equal(length, Math.min(i % 100, 50));
        },
        async (i) => {
          const batch = await store.beginBatch();
          await Promise.all([0, 1, 2].map((j) => batch.insert(node(10 * i + j, { scopeId: "batches" }))));
          // No reader may see a part of it.
          const [{ inserted: added }, size] = await Promise.all([batch.commit(), store.size({ scopeId: "batches" })]);
          equal([added.length, size % 3], [3, 0]);
          committed += 3;
        },
        async (i) => {
          const batch = await store.beginBatch();
          const staged = batch.insert(node(i, { scopeId: "never" }));
          batch.free();
          await staged;
        },
        async (i) => {
          const { inserted: added } = await store.insertMany([node(i, { scopeId: "pairs" }), node(-1 - -i, { scopeId: "pairs 2" })]);
          equal(added.length, 2);
        },
        async () => equal(await store.size({ scopeId: "never" }), 0),
        async () => ok((await store.stateHash()).length === 64),
        async (i) => {
          const other = new DagStore();
          const id = other.insert(node(i));
          const closed = other.close();
          ok((await id).startsWith("bafyrei"));
          await closed;
        },
      ];
      await Promise.all(shuffled(10_000, 42).map(async (i) => {
        for (let hops = i % 5; hops > 0; hops--) await undefined;
        await kinds[i % kinds.length](i);
      }));
      equal(inserted, 1000);
      equal(await store.size({ scopeId: "batches" }), committed);
      equal(await store.size(), 50 + inserted + committed + 2000);
      equal((await store.verify()).nodes, 50 + inserted + committed + 2000);
    },
  ],
  [
    "the same node from many at once is inserted once",
    async ({ DagStore }) => {
      const store = new DagStore();
      const ids = await Promise.all(Array.from({ length: 100 }, () => store.insert(node(1))));
      equal([new Set(ids).size, await store.size()], [1, 1]);
    },
  ],
  [
    "replay in another order gives the same state",
    async ({ DagStore }) => {
      const store = new DagStore();
      const ids = [];
      for (let i = 0; i < 500; i++) {
        const parents = [...new Set([ids[(i * 7) % (i || 1)], ids[(i * 13) % (i || 1)]])].filter(Boolean);
        ids.push(await store.insert(node(i, { parents, scopeId: `scope ${i % 5}` })));
      }
      for (const head of (await store.heads()).slice(0, 50)) await store.remove(head);
      const nodes = await store.list().toArray();
      const replayed = new DagStore();
      for (const read of nodes) await replayed.insert(read);
      const shuffledStore = new DagStore();
      await shuffledStore.insertMany(shuffled(nodes.length, 3).map((i) => nodes[i]));
      for (const other of [replayed, shuffledStore]) {
        equal(await other.stateHash(), await store.stateHash());
        equal((await other.heads()).sort(), (await store.heads()).sort());
      }
    },
  ],
];
