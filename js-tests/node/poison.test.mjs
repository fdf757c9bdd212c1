/** An instance that fails takes its stores with it, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DagStore } from "dag-store";

const node = (i) => ({ content: i, eventType: "vote", scopeId: "s", timestamp: i });

/** The memories of all instances, in the order they were started. */
const memories = [];
WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(...args) {
    super(...args);
    memories.push(this.exports.memory);
  }
};

/** Makes the next call trap: no pointer in this memory leads anywhere any more. */
const ruin = (memory) => new Uint8Array(memory.buffer).fill(0xff);

test("after a trap every call is rejected, and the next store starts another instance", async () => {
  const store = new DagStore();
  const other = new DagStore();
  const unopened = new DagStore();
  const id = await store.insert(node(1));
  await other.insert(node(2));
  const batch = await store.beginBatch();
  await batch.insert(node(3));
  assert.equal(memories.length, 1);

  const sound = new Uint8Array(memories[0].buffer).slice();
  ruin(memories[0]);
  const overlapping = Array.from({ length: 100 }, (_, i) => store.insert(node(i)));
  for (const { reason } of await Promise.allSettled(overlapping)) {
    assert.equal(reason?.code, "ERR_POISONED");
    assert.ok(reason.cause instanceof Error);
  }
  // Even if it could work again: once it has failed, nothing enters it.
  new Uint8Array(memories[0].buffer).set(sound);
  const calls = [
    () => store.insert(node(1)),
    () => store.insertMany([node(1)]),
    () => store.get(id),
    () => store.list().toArray(),
    () => store.verify(),
    () => store.beginBatch(),
    () => other.size(),
    () => batch.insert(node(4)),
    () => batch.get(id),
    () => batch.commit(),
    () => store.close(),
  ];
  for (const call of calls) await assert.rejects(call(), { name: "DagStoreError", code: "ERR_POISONED" });
  // What frees must not throw.
  batch.free();
  await batch.rollback();
  (await Promise.allSettled([other.close()])).forEach(({ reason }) => assert.equal(reason.code, "ERR_POISONED"));

  // One that had not begun is not concerned, nor are new ones.
  for (const healthy of [unopened, new DagStore()]) {
    assert.equal(await healthy.insert(node(1)), id);
    assert.equal(await healthy.size(), 1);
    assert.equal((await healthy.verify()).nodes, 1);
  }
  assert.equal(memories.length, 2);
});

test("it can happen again", async () => {
  for (let i = 0; i < 3; i++) {
    const store = new DagStore();
    await store.insert(node(1));
    ruin(memories.at(-1));
    await assert.rejects(store.insert(node(2)), { code: "ERR_POISONED" });
  }
  assert.equal(await new DagStore().size(), 0);
});

test("objects that the dead instance has left behind are collected in peace", async () => {
  let store = new DagStore();
  for (let i = 0; i < 100; i++) await (await store.beginBatch()).insert(node(i));
  ruin(memories.at(-1));
  await assert.rejects(store.size(), { code: "ERR_POISONED" });
  store = undefined;
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(await new DagStore().size(), 0);
});

test("one that is ruined and collected before anybody notices hurts nobody", async () => {
  await new DagStore().insert(node(1));
  let store = new DagStore();
  await (await store.beginBatch()).insert(node(1));
  store = undefined;
  ruin(memories.at(-1));
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await new DagStore().size().catch(({ code }) => assert.equal(code, "ERR_POISONED"));
  assert.equal(await new DagStore().size(), 0);
});
