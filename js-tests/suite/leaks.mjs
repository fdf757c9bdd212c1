/** The memory of wasm, which never shrinks: once all sizes have been seen, it must not grow either. */
import { equal, node, ok } from "./expect.mjs";
import { memoryBytes, requireFinalizers } from "./memories.mjs";

/** In how many windows memory must have grown before that is a leak. */
const WINDOWS = 4;
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

/**
 * Runs rounds until memory has grown by no more than `limit` bytes in a window of so many; the first few only warm up.
 *
 * How high memory rises depends on which calls happen to overlap and on when garbage is collected, so it may rise in one
 * window although nothing is lost. What is lost is lost in every window.
 */
export async function flat(rounds, limit, run) {
  let done = 0;
  const go = async (rounds) => {
    for (let i = 0; i < rounds; i++) await run(done++);
    return memoryBytes();
  };
  const sizes = [await go(Math.max(3, Math.ceil(rounds / 10)))];
  while (sizes.length <= WINDOWS) {
    sizes.push(await go(rounds));
    if (sizes.at(-1) - sizes.at(-2) <= limit) return;
  }
  throw new Error(`memory grows with every ${rounds} rounds: ${sizes.join(", ")} bytes`);
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
      await flat(7000, 0, (i) =>
        refused[i % refused.length]().then(() => ok(false, "accepted"), (error) => equal(error.name, "DagStoreError")));
    },
  ],
  [
    "flat: 20,000 cycles of store, batch, insert, get and free",
    async (api) => {
      await flat(20_000, 0, (i) => cycle(api, i));
    },
  ],
  [
    "flat: 2,000 stores and batches that nobody holds, nor frees",
    async (api) => {
      const { DagStore, collectGarbage } = api;
      requireFinalizers(collectGarbage);
      // The limit is all that is alive between two collections; without giving back it would be twenty megabytes.
      await flat(2000, 4 << 20, async (i) => {
        const batch = await new DagStore().beginBatch();
        await batch.insert(node(i, { content: "x".repeat(10_000) }));
        if (i % 200 === 199) await collectGarbage();
      });
    },
  ],
  ...Object.entries(ROUNDS).map(([name, end]) => [
    `flat: ${name}`,
    async ({ DagStore }) => {
      const content = "x".repeat(1_000_000);
      const held = [];
      // Without giving back it would be 27 megabytes.
      await flat(9, 4 << 20, async (i) => {
        const store = new DagStore();
        const batch = await store.beginBatch();
        await batch.insertMany([0, 1, 2].map((j) => node(3 * i + j, { content })));
        held.push(await end(store, batch));
      });
      ok(held.length >= 12);
    },
  ]),
];
