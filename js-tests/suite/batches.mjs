/** Changes that are staged, then committed or not. */
import { equal, node, ok, rejects } from "./expect.mjs";
import { chain } from "./store.mjs";

const CALLS = {
  insert: (batch) => batch.insert(node(1)),
  insertMany: (batch) => batch.insertMany([node(1)]),
  insertBlock: (batch) => batch.insertBlock(new Uint8Array([0xa0])),
  remove: (batch) => batch.remove("bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"),
  removeMany: (batch) => batch.removeMany([]),
  get: (batch) => batch.get("bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"),
  commit: (batch) => batch.commit(),
};

async function isClosed(batch) {
  for (const [name, call] of Object.entries(CALLS)) await rejects(() => call(batch), "ERR_BATCH_CLOSED", name);
  await batch.rollback();
  batch.free();
  batch.free();
}

export const batches = [
  [
    "nothing is seen before the commit, all of it after",
    async ({ DagStore, Batch }) => {
      const store = new DagStore();
      const kept = await store.insert(node(100));
      const gone = await store.insert(node(101));
      const batch = await store.beginBatch();
      ok(batch instanceof Batch);
      const a = await batch.insert(node(0));
      const [b, c] = await batch.insertMany([node(1, { parents: [a] }), node(2)]);
      equal(await batch.remove(gone), undefined);
      equal([await store.size(), await store.has(a), await store.has(gone)], [2, false, true]);
      equal((await batch.get(a)).cid, a);
      equal((await batch.get(kept)).cid, kept);
      equal(await batch.get(gone), undefined);
      const commit = await batch.commit({ stateHash: true });
      equal([commit.sequence, commit.inserted, commit.removed], [3, [a, b, c], [gone]]);
      equal(commit.stateHash, await store.stateHash());
      equal((await store.list().toArray()).map(({ cid }) => cid), [kept, a, b, c]);
      await isClosed(batch);
    },
  ],
  [
    "a commit that is refused changes nothing and closes the batch",
    async ({ DagStore }) => {
      const store = new DagStore();
      const [a] = await chain(store, 2);
      const hash = await store.stateHash();
      const batch = await store.beginBatch();
      await batch.insertMany([node(10), node(11)]);
      await batch.remove(a);
      equal((await rejects(batch.commit(), "ERR_HAS_CHILDREN")).cid, a);
      await isClosed(batch);
      equal([await store.size(), await store.stateHash()], [2, hash]);
    },
  ],
  [
    "children may be staged before their parents, and removed with them",
    async ({ DagStore }) => {
      const source = new DagStore();
      const ids = await chain(source, 5);
      const nodes = await source.getMany(ids);
      const store = new DagStore();
      let batch = await store.beginBatch();
      for (const read of nodes.toReversed?.() ?? [...nodes].reverse()) await batch.insert(read);
      equal((await batch.commit()).inserted, ids);
      batch = await store.beginBatch();
      await batch.removeMany(ids);
      equal((await batch.commit()).removed, ids);
      equal(await store.size(), 0);
    },
  ],
  [
    "the last operation on a node wins",
    async ({ DagStore }) => {
      const store = new DagStore();
      const a = await store.insert(node(1));
      const batch = await store.beginBatch();
      const b = await batch.insert(node(2));
      await batch.remove(b);
      await batch.remove(a);
      equal(await batch.get(a), undefined);
      await batch.insert(node(1));
      equal((await batch.get(a)).cid, a);
      equal(await batch.get(b), undefined);
      const commit = await batch.commit();
      equal([commit.inserted, commit.removed, commit.sequence], [[], [], 1]);
    },
  ],
  [
    "a staging call that fails leaves the batch as it was",
    async ({ DagStore }) => {
      const store = new DagStore();
      const batch = await store.beginBatch();
      const a = await batch.insert(node(1));
      await rejects(batch.insert({ content: 1 }), "ERR_INVALID_NODE");
      await rejects(batch.insertMany([node(2), node(3), {}]), "ERR_INVALID_NODE");
      await rejects(batch.insertMany([node(2), { ...node(3), cid: a }]), "ERR_INVALID_CID");
      await rejects(batch.removeMany([a, "x"]), "ERR_INVALID_CID");
      await rejects(batch.insertBlock(new Uint8Array(9)), "ERR_INVALID_NODE");
      equal((await batch.commit()).inserted, [a]);
    },
  ],
  [
    "two batches, one store",
    async ({ DagStore }) => {
      const store = new DagStore();
      const [one, other] = [await store.beginBatch(), await store.beginBatch()];
      const ids = await one.insertMany(Array.from({ length: 50 }, (_, i) => node(i)));
      await other.insertMany(Array.from({ length: 25 }, (_, i) => node(100 + i)));
      await other.removeMany(ids.slice(0, 10));
      const commits = await Promise.all([one.commit(), other.commit()]);
      equal(commits.map(({ inserted, removed }) => [inserted.length, removed.length]), [[50, 0], [25, 10]]);
      equal(await store.size(), 65);
    },
  ],
  [
    "each batch is checked against the store as it is then",
    async ({ DagStore }) => {
      const store = new DagStore();
      const a = await store.insert(node(0));
      const [one, other] = [await store.beginBatch(), await store.beginBatch()];
      await one.remove(a);
      await other.insert(node(1, { parents: [a] }));
      await one.commit();
      equal((await rejects(other.commit(), "ERR_MISSING_PARENT")).parent, a);
      equal(await store.size(), 0);
    },
  ],
  [
    "conditions",
    async ({ DagStore }) => {
      const store = new DagStore();
      const a = await store.insert(node(0, { scopeId: "a" }));
      const b = await store.insert(node(1, { scopeId: "b" }));
      const stateHash = await store.stateHash();
      const absent = await new DagStore().insert(node(9));
      const hold = [
        { heads: [b, a] },
        { heads: [a], scopeId: "a" },
        { heads: [], scopeId: "none" },
        { stateHash },
        { absent },
      ];
      const fail = [
        { heads: [a] },
        { heads: [] },
        { heads: [a, b], scopeId: "a" },
        { heads: [a, b, absent] },
        { stateHash: "00".repeat(32) },
        { absent: a },
      ];
      for (const condition of fail) {
        const batch = await store.beginBatch();
        await batch.insert(node(9));
        await rejects(batch.commit({ conditions: [...hold, condition] }), "ERR_CONDITION_FAILED");
        await isClosed(batch);
        await rejects(store.insertMany([node(9)], { conditions: [condition] }), "ERR_CONDITION_FAILED");
      }
      equal(await store.stateHash(), stateHash);
      const batch = await store.beginBatch();
      await batch.insert(node(9));
      equal((await batch.commit({ conditions: hold })).inserted, [absent]);
      await rejects(store.insertMany([], { conditions: [{ absent }] }), "ERR_CONDITION_FAILED");
    },
  ],
  [
    "a commit has the id it is given",
    async ({ DagStore }) => {
      const store = new DagStore();
      const id = "00112233445566778899aabbccddeeff";
      equal((await store.insertMany([node(1)], { id })).id, id);
      const batch = await store.beginBatch();
      await batch.insert(node(2));
      equal((await batch.commit({ id: Uint8Array.from({ length: 16 }, (_, i) => i * 17) })).id, id);
      const ids = await Promise.all([3, 4].map(async (i) => (await store.insertMany([node(i)])).id));
      equal(new Set(ids).size, 2);
    },
  ],
  [
    "a batch with nothing in it is no commit",
    async ({ DagStore }) => {
      const store = new DagStore();
      equal((await (await store.beginBatch()).commit()).sequence, 0);
      await store.insert(node(1));
      const commit = await (await store.beginBatch()).commit({ stateHash: true });
      equal([commit.sequence, commit.inserted, commit.removed], [1, [], []]);
      equal(commit.stateHash, await store.stateHash());
    },
  ],
  [
    "a batch from nowhere",
    async ({ Batch }) => {
      for (const make of [() => new Batch(), () => new Batch(Symbol("Batch"), {}), () => Batch()]) {
        try {
          make();
        } catch (error) {
          ok(error instanceof TypeError);
          continue;
        }
        ok(false, "made a batch");
      }
    },
  ],
];
