/** The memory of wasm: what is closed, committed, freed or lost is given back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { DagStore } from "dag-store";

let memory;
WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(...args) {
    super(...args);
    memory = this.exports.memory;
  }
};

const content = "x".repeat(1_000_000);
const nodes = (i) => [0, 1, 2, 3].map((j) => ({ content, eventType: "vote", scopeId: "s", timestamp: 4 * i + j }));

async function collectGarbage() {
  for (let i = 0; i < 3; i++) {
    gc();
    await setTimeout(5);
  }
}

/** What one round does with a new store and a batch of four megabytes; what it returns stays alive. */
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
    await assert.rejects(batch.commit({ conditions: [{ heads: ["bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"] }] }), {
      code: "ERR_CONDITION_FAILED",
    });
    return batch;
  },
  "batches that are lost": collectGarbage,
};

for (const [name, end] of Object.entries(ROUNDS)) {
  test(`flat: ${name}`, async () => {
    const held = [];
    const round = async (i) => {
      const store = new DagStore();
      const batch = await store.beginBatch();
      await batch.insertMany(nodes(i));
      return [store, batch];
    };
    let warm;
    for (let i = 0; i < 40; i++) {
      held.push(await end(...(await round(i))));
      if (i === 9) warm = memory.buffer.byteLength;
    }
    const grown = memory.buffer.byteLength - warm;
    // Without giving back it would be 120 MB.
    assert.ok(grown <= 8 << 20, `${grown} bytes more after 30 rounds of 4 MB`);
  });
}

test("flat: 100,000 small cycles", async () => {
  const cycle = async (i) => {
    const store = new DagStore();
    const batch = await store.beginBatch();
    const id = await batch.insert({ content: i, eventType: "vote", scopeId: "s", timestamp: 1 });
    if (i % 3 === 0) await batch.commit();
    else batch.free();
    await store.get(id);
    await store.close();
  };
  let warm;
  for (let i = 0; i < 100_000; i++) {
    await cycle(i);
    if (i === 10_000) warm = memory.buffer.byteLength;
  }
  assert.equal(memory.buffer.byteLength, warm);
});
