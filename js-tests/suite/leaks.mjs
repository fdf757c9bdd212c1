/** The memory of wasm, which never shrinks: once all sizes have been seen, it must not grow either. */
import { equal, node, ok } from "./expect.mjs";
import { memoryBytes, requireFinalizers } from "./memories.mjs";

const PAGE = 1 << 16;
const ABSENT = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";

/** A store, a batch, an insert, a get, and one of the ways in which a batch ends. */
export async function cycle({ DagStore }, i) {
  const store = new DagStore();
  const batch = await store.beginBatch();
  const id = await batch.insert(node(i));
  await batch.get(id);
  if (i % 4 === 0) await batch.commit();
  else if (i % 4 === 1) batch.free();
  else if (i % 4 === 2) await batch.rollback();
  // The fourth is left to the store.
  await store.get(id);
  await store.close();
}

/** Runs cycles, of which the first tenth warms up; gives the bytes by which the memory has grown since. */
export async function growth(cycles, run) {
  let warm;
  for (let i = 0; i < cycles; i++) {
    await run(i);
    if (i === Math.floor(cycles / 10)) warm = memoryBytes();
  }
  return memoryBytes() - warm;
}

/** What one round of three megabytes does; what it returns stays alive. */
const ROUNDS = {
  "batches that are freed": async (_, batch) => batch.free(),
  "batches that are rolled back": async (_, batch) => batch.rollback(),
  "batches that are committed, in stores that are closed": async (store, batch) => {
    await batch.commit();
    await store.close();
  },
  "batches that are held, in stores that are closed": async (store, batch) => {
    await store.close();
    return batch;
  },
  "batches that are held, whose commit was refused": async (_, batch) => {
    await batch.commit({ conditions: [{ heads: [ABSENT] }] }).catch(({ code }) => equal(code, "ERR_CONDITION_FAILED"));
    return batch;
  },
  "nodes that are removed again": async (store, batch) => {
    const { inserted } = await batch.commit();
    const removing = await store.beginBatch();
    await removing.removeMany(inserted);
    await removing.commit();
    await store.close();
    return store;
  },
  "reads of all kinds": async (store, batch) => {
    const { inserted } = await batch.commit();
    await Promise.all([store.getMany(inserted), store.list().toArray(), store.getBlock(inserted[0]), store.verify()]);
    for await (const read of store.list()) ok(read.cid);
    await store.close();
  },
};

export const leaks = [
  [
    "flat: 20,000 cycles of store, batch, insert, get and free",
    async (api) => {
      const grown = await growth(20_000, (i) => cycle(api, i));
      ok(grown <= PAGE, `${grown} bytes more`);
    },
  ],
  [
    "flat: 2,000 stores and batches that nobody holds, nor frees",
    async (api) => {
      const { DagStore, collectGarbage } = api;
      requireFinalizers(collectGarbage);
      const grown = await growth(2000, async (i) => {
        const batch = await new DagStore().beginBatch();
        await batch.insert(node(i, { content: "x".repeat(10_000) }));
        if (i % 200 === 199) await collectGarbage();
      });
      // All that is alive between two collections; without giving back it would be twenty megabytes.
      ok(grown <= 4 << 20, `${grown} bytes more`);
    },
  ],
  [
    "flat: 7,000 calls that are refused",
    async ({ DagStore }) => {
      const store = new DagStore();
      const refused = [
        () => store.insert({ content: 1 }),
        () => store.insert(node(1, { parents: [ABSENT] })),
        () => store.insertMany([node(1), {}]),
        () => store.insertBlock(new Uint8Array(100)),
        () => store.get("no id"),
        () => store.list({ cursor: "none" }).page(),
        () => store.insertMany([node(1)], { conditions: [{ stateHash: "0".repeat(64) }] }),
      ];
      const grown = await growth(7000, (i) =>
        refused[i % refused.length]().then(() => ok(false, "accepted"), (error) => equal(error.name, "DagStoreError")));
      ok(grown <= PAGE, `${grown} bytes more`);
    },
  ],
  ...Object.entries(ROUNDS).map(([name, end]) => [
    `flat: ${name}`,
    async ({ DagStore }) => {
      const content = "x".repeat(1_000_000);
      const held = [];
      let warm;
      for (let i = 0; i < 12; i++) {
        const store = new DagStore();
        const batch = await store.beginBatch();
        await batch.insertMany([0, 1, 2].map((j) => node(3 * i + j, { content })));
        held.push(await end(store, batch));
        if (i === 2) warm = memoryBytes();
      }
      // Without giving back it would be 27 megabytes.
      const grown = memoryBytes() - warm;
      ok(grown <= 4 << 20, `${grown} bytes more`);
      equal(held.length, 12);
    },
  ]),
];
