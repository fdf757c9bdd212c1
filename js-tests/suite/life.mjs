/** How batches and stores end, in every way and at every moment. */
import { NotHere, equal, node, ok, rejects } from "./expect.mjs";
import { memoryBytes, requireFinalizers } from "./memories.mjs";

const ABSENT = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";

/** All that can be seen of a store. */
async function seen(store) {
  const nodes = await store.list().toArray();
  return { nodes, heads: await store.heads(), size: await store.size(), stateHash: await store.stateHash() };
}

const CALLS = {
  insert: (batch) => batch.insert(node(1)),
  insertMany: (batch) => batch.insertMany([node(1)]),
  "insertMany of nothing": (batch) => batch.insertMany([]),
  insertBlock: (batch) => batch.insertBlock(new Uint8Array([0xa0])),
  remove: (batch) => batch.remove(ABSENT),
  removeMany: (batch) => batch.removeMany([]),
  get: (batch) => batch.get(ABSENT),
  commit: (batch) => batch.commit(),
  "commit with options that make no sense": (batch) => batch.commit(5),
};

/** Every use is refused, and what ends it does nothing. */
async function isClosed(batch) {
  for (const [name, call] of Object.entries(CALLS)) await rejects(() => call(batch), "ERR_BATCH_CLOSED", name);
  equal([await batch.rollback(), batch.free(), batch.free()], [undefined, undefined, undefined]);
  if (Symbol.dispose) equal(batch[Symbol.dispose](), undefined);
  if (Symbol.asyncDispose) equal(await batch[Symbol.asyncDispose](), undefined);
}

/** Compiles code that an engine may not know; it may also forbid that code is compiled. */
function compiled(parameters, code) {
  try {
    return new Function(`return async (${parameters}) => { ${code} }`)();
  } catch (error) {
    throw new NotHere(error instanceof SyntaxError ? "the engine has no `using`" : `no code can be compiled here: ${error.message}`);
  }
}

const symbol = (name) => {
  if (!Symbol[name]) throw new NotHere(`the engine has no Symbol.${name}`);
  return Symbol[name];
};

/** Every way in which a batch ends without a commit. */
const ENDINGS = {
  rollback: (batch) => batch.rollback(),
  free: (batch) => batch.free(),
  "rollback, then free": async (batch) => {
    await batch.rollback();
    batch.free();
  },
  "free, then rollback": (batch) => {
    batch.free();
    return batch.rollback();
  },
  "Symbol.dispose": (batch) => batch[symbol("dispose")](),
  "Symbol.asyncDispose": (batch) => batch[symbol("asyncDispose")](),
  using: (batch) => compiled("batch", "using held = batch;")(batch),
  "await using": (batch) => compiled("batch", "await using held = batch;")(batch),
  "using, in a block that throws": (batch) =>
    compiled("batch", "try { using held = batch; throw 1; } catch (error) { if (error !== 1) throw error; }")(batch),
  "await using, in a block that throws": (batch) =>
    compiled("batch", "try { await using held = batch; throw 1; } catch (error) { if (error !== 1) throw error; }")(batch),
  "a commit whose condition does not hold": (batch) =>
    rejects(batch.commit({ conditions: [{ heads: [ABSENT] }] }), "ERR_CONDITION_FAILED"),
  "a commit without a parent": async (batch) => {
    await batch.insert(node(9, { parents: [ABSENT] }));
    await rejects(batch.commit(), "ERR_MISSING_PARENT");
  },
  "a commit that leaves a child": async (batch, store, [parent]) => {
    await batch.insert(node(1, { parents: [parent] }));
    await batch.remove(parent);
    await rejects(batch.commit(), "ERR_HAS_CHILDREN");
  },
};

/** The same where the store ends too. */
const CLOSINGS = {
  "the store closes": (_, store) => store.close(),
  "the store closes, and the batch is freed at once": (batch, store) => {
    const closing = store.close();
    batch.free();
    return closing;
  },
  "the batch is freed, and the store closes at once": (batch, store) => {
    batch.free();
    return store.close();
  },
  "the store closes twice": (_, store) => Promise.all([store.close(), store.close()]),
  "the store is disposed of": (_, store) => store[symbol("asyncDispose")](),
  "await using of the store": (_, store) => compiled("store", "await using held = store;")(store),
  "a commit after the close": (batch, store) => {
    const closing = store.close();
    return rejects(batch.commit(), "ERR_BATCH_CLOSED").then(() => closing);
  },
};

async function filled(DagStore) {
  const store = new DagStore();
  const parent = await store.insert(node(0));
  const child = await store.insert(node(1, { parents: [parent] }));
  return { store, ids: [parent, child] };
}

async function staged(store, [, child]) {
  const batch = await store.beginBatch();
  const ids = await batch.insertMany([node(2), node(3)]);
  await batch.insert(node(4, { parents: ids }));
  await batch.remove(child);
  return batch;
}

/** Calls on one batch, to be made in any order: what each does to a model of it. */
const STEPS = {
  insert: (batch) => batch.insert(node(10)),
  insertMany: (batch) => batch.insertMany([node(11), node(12)]),
  remove: (batch, _, { ids }) => batch.remove(ids[1]),
  get: (batch, _, { ids }) => batch.get(ids[0]),
  commit: (batch) => batch.commit(),
  rollback: (batch) => batch.rollback(),
  free: (batch) => batch.free(),
  close: (_, store) => store.close(),
};
const ENDS = ["commit", "rollback", "free", "close"];

/** What each of the steps must come to, how many nodes are in the store after them, and whether more is staged. */
function foreseen(steps) {
  let open = true;
  let there = 2;
  let [inserts, removes] = [new Set(), new Set()];
  const outcomes = steps.map((step) => {
    const outcome = open || step === "rollback" || step === "free" || step === "close" ? "fulfilled" : "ERR_BATCH_CLOSED";
    if (open && step === "insert") inserts.add(10);
    if (open && step === "insertMany") inserts.add(11).add(12);
    if (open && step === "remove") removes.add(1);
    if (open && step === "commit") there += inserts.size - removes.size;
    if (ENDS.includes(step)) open = false;
    return outcome;
  });
  return { outcomes, there, open, staged: inserts.size + removes.size > 0 };
}

function* triples(names) {
  for (const a of names) for (const b of names) for (const c of names) yield [a, b, c];
}

export const life = [
  ...Object.entries(ENDINGS).map(([name, end]) => [
    `a batch ends without a trace: ${name}`,
    async ({ DagStore }) => {
      const { store, ids } = await filled(DagStore);
      const before = await seen(store);
      const batch = await staged(store, ids);
      await end(batch, store, ids);
      await isClosed(batch);
      equal(await seen(store), before);
      equal((await store.verify()).stateHash, before.stateHash);
      // The store goes on as if nothing had been.
      equal((await store.insertMany([node(5)])).sequence, 3);
    },
  ]),
  ...Object.entries(CLOSINGS).map(([name, end]) => [
    `a batch ends with its store: ${name}`,
    async ({ DagStore }) => {
      const [{ store, ids }, other] = [await filled(DagStore), await filled(DagStore)];
      const before = await seen(other.store);
      const [batch, healthy] = [await staged(store, ids), await staged(other.store, other.ids)];
      await end(batch, store, ids);
      await isClosed(batch);
      await rejects(store.size(), "ERR_CLOSED");
      await rejects(store.beginBatch(), "ERR_CLOSED");
      // Its neighbour has noticed nothing.
      equal(await seen(other.store), before);
      equal((await healthy.commit()).removed, [other.ids[1]]);
    },
  ]),
  [
    "512 orders of three calls on one batch, made at once",
    async ({ DagStore }) => {
      for (const steps of triples(Object.keys(STEPS))) {
        const { store, ids } = await filled(DagStore);
        const batch = await store.beginBatch();
        const calls = steps.map((step) => STEPS[step](batch, store, { ids }));
        const settled = await Promise.allSettled(calls);
        const { outcomes, there, open, staged } = foreseen(steps);
        equal(settled.map(({ status, reason }) => reason?.code ?? status), outcomes, steps.join(", "));
        if (steps.includes("close")) await rejects(store.size(), "ERR_CLOSED");
        else equal(await store.size(), there, steps.join(", "));
        if (open) equal((await batch.commit()).sequence, staged ? 3 : 2, steps.join(", "));
        else await isClosed(batch);
      }
    },
  ],
  [
    "committed twice, freed twice, rolled back after the commit",
    async ({ DagStore }) => {
      const { store, ids } = await filled(DagStore);
      const batch = await staged(store, ids);
      const [first, second] = [batch.commit(), batch.commit()];
      await rejects(second, "ERR_BATCH_CLOSED");
      equal((await first).inserted.length, 3);
      await isClosed(batch);
      equal(await store.size(), 4);
    },
  ],
  [
    "ended during the commit, which goes on",
    async ({ DagStore }) => {
      const ends = { ...ENDINGS, ...CLOSINGS };
      for (const name of ["rollback", "free", "rollback, then free", "the store closes", "the store closes twice"]) {
        const { store, ids } = await filled(DagStore);
        const batch = await staged(store, ids);
        const committing = batch.commit();
        const ending = ends[name](batch, store);
        equal((await committing).inserted.length, 3, name);
        await ending;
        await isClosed(batch);
      }
    },
  ],
  [
    "freed while it is read and written: what was called before is done",
    async ({ DagStore }) => {
      const { store, ids } = await filled(DagStore);
      const before = await seen(store);
      for (const call of Object.values(STEPS).slice(0, 4)) {
        const batch = await staged(store, ids);
        const called = call(batch, store, { ids });
        batch.free();
        await called;
        await isClosed(batch);
      }
      equal(await seen(store), before);
    },
  ],
  [
    "closed while everything is under way: what was called before is done, what comes after is refused",
    async ({ DagStore }) => {
      for (const warm of [true, false]) {
        const store = new DagStore();
        if (warm) await store.size();
        const batch = warm ? await store.beginBatch() : undefined;
        const calls = Array.from({ length: 30 }, (_, i) => [
          store.insert(node(i)),
          store.size(),
          store.insertMany([node(100 + i), node(200 + i)]),
          store.list().page(),
          store.stateHash(),
          store.verify(),
          store.beginBatch(),
        ]).flat();
        const staging = batch?.insert(node(1000));
        const closing = store.close();
        const late = [store.insert(node(1)), store.list().toArray(), store.beginBatch()];
        const lateInBatch = batch?.insert(node(1));
        const done = await Promise.all(calls);
        equal(done.filter(Number.isInteger), Array.from({ length: 30 }, (_, i) => 3 * i + 1), "sizes, in the order of the calls");
        await staging;
        for (const call of late) await rejects(call, "ERR_CLOSED");
        if (batch) await rejects(lateInBatch, "ERR_BATCH_CLOSED");
        await closing;
        // Those that began before the close ended with it.
        for (const begun of done.filter((each) => typeof each?.commit === "function")) await isClosed(begun);
      }
    },
  ],
  [
    "a batch knows its store only",
    async ({ DagStore }) => {
      const [one, other] = [await filled(DagStore), new DagStore()];
      const batch = await other.beginBatch();
      await batch.insert(node(5, { parents: [one.ids[0]] }));
      equal(await batch.get(one.ids[0]), undefined);
      equal((await rejects(batch.commit(), "ERR_MISSING_PARENT")).parent, one.ids[0]);
      const crossing = await one.store.beginBatch();
      for await (const read of one.store.list()) await crossing.remove(read.cid);
      await other.insertMany(await one.store.list().toArray());
      equal((await crossing.commit()).removed, one.ids);
      equal([await one.store.size(), await other.size()], [0, 2]);
    },
  ],
  [
    "methods torn from their objects",
    async ({ DagStore, Batch }) => {
      const { store, ids } = await filled(DagStore);
      const batch = await staged(store, ids);
      const impostors = [undefined, null, {}, Object.create(batch), new Proxy(batch, {}), Batch.prototype];
      for (const type of [Batch, DagStore]) {
        for (const name of Reflect.ownKeys(type.prototype).filter((key) => key !== "constructor" && key !== Symbol.toStringTag)) {
          for (const impostor of [...impostors, type === Batch ? store : batch]) {
            try {
              const called = await type.prototype[name].call(impostor);
              // A list tells nothing until it is read.
              if (name === "list") await called.toArray();
            } catch (error) {
              ok(error instanceof TypeError || error.name === "DagStoreError", `${String(name)}: ${error}`);
              continue;
            }
            ok(false, `${String(name)} of what has none`);
          }
        }
      }
      equal((await batch.commit()).inserted.length, 3);
    },
  ],
  [
    "batches that nobody holds are rolled back, and their memory is used again",
    async ({ DagStore, collectGarbage }) => {
      requireFinalizers(collectGarbage);
      const store = new DagStore();
      const content = "x".repeat(1_000_000);
      // A hundred megabytes in all, of which ten are there at a time.
      for (let i = 0; i < 100; i++) {
        await (await store.beginBatch()).insert(node(i, { content }));
        if (i % 10 === 9) await collectGarbage();
      }
      equal(await store.size(), 0);
      ok(memoryBytes() < 64 << 20, `${memoryBytes()} bytes`);
      const batch = await store.beginBatch();
      const id = await batch.insert(node(1));
      await collectGarbage();
      equal((await batch.get(id)).cid, id, "one that is held stays");
      equal((await store.verify()).nodes, 0);
    },
  ],
  [
    "what is under way goes on when nobody holds the batch or the store",
    async ({ DagStore, collectGarbage }) => {
      if (!collectGarbage) throw new NotHere("the runtime has no way to force its collector");
      const begin = async () => {
        const { store, ids } = await filled(DagStore);
        return staged(store, ids);
      };
      const committing = Array.from({ length: 20 }, () => begin().then((batch) => batch.commit()));
      await collectGarbage();
      for (const { inserted } of await Promise.all(committing)) equal(inserted.length, 3);
      async function* slowly() {
        yield node(1000);
        await collectGarbage();
        yield node(1001);
      }
      equal((await begin().then((batch) => batch.insertMany(slowly()))).length, 2);
      // A batch keeps its store alive, a list and its iterator too.
      const batch = await begin();
      const iterator = await filled(DagStore).then(({ store }) => store.list()[Symbol.asyncIterator]());
      await collectGarbage();
      equal((await iterator.next()).done, false);
      await collectGarbage();
      equal((await iterator.next()).done, false);
      equal((await batch.commit()).sequence, 3);
    },
  ],
];
