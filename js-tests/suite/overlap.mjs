/** Many calls at once. */
import { equal, node, ok, rejects, shuffled } from "./expect.mjs";
import { chain } from "./store.mjs";

/** What overlaps: each of these makes calls, checks what they give, and counts them. */
const KINDS = [
  async ({ store, i, counts }) => {
    const id = await store.insert(node(i));
    counts.inserted++;
    equal((await store.get(id)).timestamp, i);
    counts.calls += 2;
  },
  async ({ store, known, i, counts }) => {
    const id = known[i % 50];
    const [read, there, block] = await Promise.all([store.get(id), store.has(id), store.getBlock(id)]);
    equal([read.cid, there, block.length > 100], [id, true, true]);
    counts.calls += 3;
  },
  async ({ store, i, counts }) => {
    const { length } = await store.list({ scopeId: "known", limit: i % 100 }).toArray();
    equal(length, Math.min(i % 100, 50));
    counts.calls++;
  },
  async ({ store, i, counts }) => {
    const batch = await store.beginBatch();
    await Promise.all([0, 1, 2].map((j) => batch.insert(node(10 * i + j, { scopeId: "batches" }))));
    // No reader may see a part of it.
    const [{ inserted }, size, page] = await Promise.all([
      batch.commit(),
      store.size({ scopeId: "batches" }),
      store.list({ scopeId: "batches", limit: 9, reverse: true }).page(),
    ]);
    equal([inserted.length, size % 3, page.nodes.length % 3], [3, 0, 0]);
    const places = page.nodes.map(({ timestamp }) => timestamp % 10);
    equal(places, places.map((_, at) => 2 - (at % 3)));
    counts.committed += 3;
    counts.calls += 7;
  },
  async ({ store, i, counts }) => {
    const batch = await store.beginBatch();
    const staged = batch.insert(node(i, { scopeId: "never" }));
    if (i % 20 < 10) batch.free();
    else await batch.rollback();
    await staged;
    await rejects(batch.commit(), "ERR_BATCH_CLOSED");
    counts.calls += 4;
  },
  async ({ store, i, counts }) => {
    const { inserted } = await store.insertMany([node(i, { scopeId: "pairs" }), node(i, { scopeId: "pairs 2" })]);
    equal(inserted.length, 2);
    counts.inserted += 2;
    counts.calls++;
  },
  async ({ store, counts }) => {
    equal(await store.size({ scopeId: "never" }), 0);
    counts.calls++;
  },
  async ({ store, counts }) => {
    ok((await store.stateHash()).length === 64);
    counts.calls++;
  },
  async ({ DagStore, i, counts }) => {
    const other = new DagStore();
    const [id, begun] = [other.insert(node(i)), other.beginBatch()];
    const closed = other.close();
    ok((await id).startsWith("bafyrei"));
    await rejects((await begun).insert(node(i)), "ERR_BATCH_CLOSED");
    await closed;
    counts.calls += 4;
  },
  async ({ store, i, counts }) => {
    const id = await store.insert(node(i, { scopeId: "in and out" }));
    const removed = await Promise.all([store.remove(id), store.remove(id)]);
    equal(removed, [true, false]);
    counts.calls += 3;
  },
];

/** The same in one call each. */
const SHORT = [
  ({ store, i }) => store.insert(node(i)).then((id) => ok(id.startsWith("bafyrei"))),
  ({ store, known, i }) => store.get(known[i % 50]).then(({ timestamp }) => equal(timestamp, i % 50)),
  ({ store }) => store.list({ scopeId: "known", limit: 3 }).page().then(({ nodes }) => equal(nodes.length, 3)),
  ({ store, i }) => store.insertMany([node(i, { scopeId: "a" }), node(i, { scopeId: "b" })]).then(({ inserted }) => equal(inserted.length, 2)),
  ({ store }) => store.beginBatch().then((batch) => batch.free()),
  ({ batch, i }) => batch.insert(node(i)).then((id) => ok(id.startsWith("bafyrei"))),
  ({ batch, known, i }) => batch.get(known[i % 50]).then(({ timestamp }) => equal(timestamp, i % 50)),
  ({ store }) => store.stateHash().then(({ length }) => equal(length, 64)),
];

/** A case over an order that is made up from a seed, which an error of it names. */
const withSeed = (given, run) => async (api) => {
  const seed = given ?? Date.now() % 1_000_000_007;
  try {
    await run(api, seed);
  } catch (error) {
    throw new Error(`with the seed ${seed}: ${error.message}`, { cause: error });
  }
};

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
  ...[42, undefined].map((given) => [
    `10,000 calls at once, ${given === undefined ? "in an order of their own each time" : `shuffled by ${given}`}`,
    withSeed(given, async ({ DagStore }, seed) => {
      const store = new DagStore();
      const known = await chain(store, 50, { scopeId: "known" });
      const counts = { inserted: 50, committed: 0, calls: 50 };
      await Promise.all(shuffled(4000, seed).map(async (i, turn) => {
        for (let hops = turn % 5; hops > 0; hops--) await undefined;
        await KINDS[i % KINDS.length]({ store, known, i, counts, DagStore });
      }));
      ok(counts.calls >= 10_000, `${counts.calls} calls`);
      equal(await store.size({ scopeId: "batches" }), counts.committed);
      equal(await store.size(), counts.inserted + counts.committed);
      equal((await store.verify()).nodes, counts.inserted + counts.committed);
    }),
  ]),
  ...[42, undefined].map((given) => [
    `closed in the midst of 10,000 calls, ${given === undefined ? "in an order of their own each time" : `shuffled by ${given}`}`,
    withSeed(given, async ({ DagStore }, seed) => {
      const store = new DagStore();
      const known = await chain(store, 50, { scopeId: "known" });
      const open = await Promise.all(Array.from({ length: 100 }, () => store.beginBatch()));
      const [early, late] = [[], []];
      let closing;
      for (const i of shuffled(10_000, seed)) {
        if (i === 0) closing = store.close();
        else (closing === undefined ? early : late).push(SHORT[i % SHORT.length]({ store, known, i, batch: open[i % 100] }));
        if (i % 7 === 0) await undefined;
      }
      await Promise.all(early);
      for (const { reason } of await Promise.allSettled(late)) {
        ok(reason?.code === "ERR_CLOSED" || reason?.code === "ERR_BATCH_CLOSED", String(reason));
      }
      equal(early.length + late.length, 9999);
      await closing;
    }),
  ]),
  [
    "writes take effect in the order of the calls",
    async ({ DagStore }) => {
      for (const warm of [true, false]) {
        const store = new DagStore();
        if (warm) await store.size();
        const commits = Array.from({ length: 500 }, (_, i) => store.insertMany([node(i), node(1000 + i)]));
        equal((await Promise.all(commits)).map(({ sequence }) => sequence), commits.map((_, i) => i + 1));
        equal((await store.list().toArray()).map(({ timestamp }) => timestamp), commits.flatMap((_, i) => [i, 1000 + i]));
      }
    },
  ],
  [
    "everything can be called from a loop over a list, and from what tells how far a call is",
    async ({ DagStore }) => {
      const store = new DagStore();
      await store.insertMany(Array.from({ length: 2000 }, (_, i) => node(i)));
      const calls = [];
      const useAll = (i) => {
        const begun = store.beginBatch().then(async (batch) => {
          await batch.insert(node(i, { scopeId: "within" }));
          return i % 2 === 0 ? batch.commit() : batch.rollback();
        });
        calls.push(begun, store.size(), store.list({ limit: 1 }).toArray(), store.stateHash(), store.verify());
      };
      let read = 0;
      for await (const { cid } of store.list({ limit: 2000 })) {
        if (read++ % 200 !== 0) continue;
        useAll(read);
        equal((await store.get(cid)).cid, cid);
      }
      equal(read, 2000);
      let told = 0;
      const onProgress = () => {
        // A few times: all that is called here takes its turns too, and tells in between.
        if (told++ < 10) useAll(10_000 + told);
      };
      await store.insertMany(Array.from({ length: 3000 }, (_, i) => node(5000 + i)), { onProgress });
      await store.verify({ onProgress });
      ok(told > 2, `told ${told} times`);
      const begun = await Promise.all(calls);
      const committed = begun.filter((outcome) => outcome?.inserted?.length === 1).length;
      equal(await store.size({ scopeId: "within" }), committed);
      equal((await store.verify()).nodes, 5000 + committed);
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
