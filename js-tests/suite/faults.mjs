/**
 * The wasm fails: every call that waits and every call that comes is rejected, nobody else notices, and
 * the next store starts anew. Needs the build of the package that fails on purpose: a node whose scope is
 * `fault:<what>:<where>` makes it do so. Its memory ends at 64 MiB.
 */
import { NotHere, equal, node, ok, rejects } from "./expect.mjs";
import { requireFinalizers } from "./memories.mjs";
import { roundTrip } from "./strange.mjs";

const WHAT = ["panic", "trap", "overflow", "memory"];
/** In the call itself, when the event loop comes back, in a microtask, half-way through a commit, in a destructor. */
const WHERE = ["call", "callback", "microtask", "commit", "drop"];

/** How long a call may take to hear of it. */
const SOON_MS = 100;
/** How often it may take longer, since others keep the machine busy: what takes long of itself does so each time. */
const TIMES_LATE = 5;
/** How long it may take to happen, where it doesn't at once. */
const LATEST_MS = 20_000;

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Hears what nobody catches, in whichever way the runtime tells. */
function listen() {
  const heard = [];
  const hear = (event) => {
    heard.push(event?.reason ?? event?.error ?? event);
    event?.preventDefault?.();
  };
  const places = [
    [globalThis.addEventListener, globalThis.removeEventListener, globalThis, ["error", "unhandledrejection"]],
    [globalThis.process?.on, globalThis.process?.off, globalThis.process, ["uncaughtException", "unhandledRejection"]],
  ].filter(([on]) => typeof on === "function");
  ok(places.length > 0, "the runtime has no way to tell what nobody catches");
  for (const [on, , target, names] of places) for (const name of names) on.call(target, name, hear);
  return async () => {
    // What nobody caught is told once all microtasks are done.
    await wait(20);
    for (const [, off, target, names] of places) for (const name of names) off.call(target, name, hear);
    return heard.map(String);
  };
}

/** Makes the instance of this store fail; gives the call that brought it about. */
async function provoke(store, what, where) {
  const faulty = node(1, { scopeId: `fault:${what}:${where}` });
  if (where !== "drop") return store.insert(faulty);
  const batch = await store.beginBatch();
  await batch.insert(faulty);
  batch.free();
}

const many = (count, from = 0, content = "a node") => Array.from({ length: count }, (_, i) => node(from + i, { content }));

/** All that can wait for wasm when it fails, of several stores. */
async function crowd(DagStore) {
  const [store, other] = [new DagStore(), new DagStore()];
  const { inserted: ids } = await store.insertMany(many(1500));
  await other.insertMany(many(1500));
  const [batch, iterator] = [await store.beginBatch(), store.list()[Symbol.asyncIterator]()];
  await batch.insert(node(5000));
  await iterator.next();
  return { store, other, ids, batch, iterator };
}

/** Calls that take many turns. */
const longCalls = ({ store, other, batch }) => [
  other.verify(),
  other.insertMany(many(1500, 10_000)),
  store.insertMany(many(1500, 10_000)),
  store.insertMany((async function* () {
    yield node(1);
    await new Promise(() => {});
  })()),
  batch.insertMany(many(1500, 20_000)),
];

const shortCalls = ({ store, other, ids, batch, iterator }) => [
  store.insert(node(1)),
  store.insertMany([node(1), node(2)]),
  store.remove(ids[0]),
  store.get(ids[0]),
  store.getMany(ids),
  store.getBlock(ids[0]),
  store.has(ids[0]),
  store.list().toArray(),
  store.list().page(),
  iterator.next(),
  store.size(),
  store.count(),
  store.scopes(),
  store.compare(other),
  store.copyTo(other),
  store.heads(),
  store.stateHash(),
  store.verify(),
  store.beginBatch(),
  other.size(),
  other.insert(node(1)),
  batch.insert(node(6000)),
  batch.get(ids[0]),
  batch.remove(ids[0]),
];

/** Follows calls from when they are made: what each came to, and when. */
function follow(calls) {
  const follow = async (call) => {
    const { status, reason } = await Promise.allSettled([call]).then(([outcome]) => outcome);
    ok(status === "fulfilled" || reason?.name === "DagStoreError", `not our error: ${reason?.stack ?? reason}`);
    return { code: reason?.code ?? status, at: Date.now() };
  };
  const all = Promise.all(calls.map(follow));
  return async () => {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("a call was never settled")), LATEST_MS);
    });
    try {
      return await Promise.race([all, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Resolves once the instance is known to have failed. */
async function failed(store) {
  for (const begun = Date.now(); Date.now() - begun < LATEST_MS; await wait(1)) {
    const code = await store.has("bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua").then(() => "fulfilled", (error) => error.code);
    if (code === "ERR_POISONED") return;
  }
  throw new Error("the instance has not failed");
}

const withFaults = (run) => async (api) => {
  if (!api.faults) throw new NotHere("there is no build of the package that fails on purpose");
  const silent = listen();
  let outcome;
  try {
    await inTime(() => run(api.faults, api));
  } finally {
    outcome = await silent();
  }
  equal(outcome, [], "nobody caught");
};

/** What a case throws where calls heard late. */
class Late extends Error {}

/** Runs a case until its calls have heard in time. */
async function inTime(run) {
  for (let times = 1; ; times++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Late) || times === TIMES_LATE) throw error;
    }
  }
}

/** All of these have heard soon after that moment; gives what they came to. */
async function heardSoon(settled, begun) {
  const outcomes = await settled();
  const late = Math.max(...outcomes.map(({ at }) => at)) - begun;
  if (late > SOON_MS) throw new Late(`${late} ms until all had heard`);
  return outcomes.map(({ code }) => code);
}

/** What has failed refuses everything, at once, and is freed without a word. */
async function isPoisoned(all) {
  const { store, other, batch, iterator } = all;
  // An iterator gives what it has read, and is at its end once it has failed.
  const rest = (async () => {
    for await (const read of iterator) ok(read.cid);
  })();
  await rest.catch(({ code }) => equal(code, "ERR_POISONED"));
  equal((await iterator.next()).done, true);
  for (const calls of [longCalls(all), shortCalls({ ...all, iterator: store.list()[Symbol.asyncIterator]() }), [batch.commit()]]) {
    const codes = await heardSoon(follow(calls), Date.now());
    equal(codes, codes.map(() => "ERR_POISONED"));
  }
  equal([batch.free(), await batch.rollback(), batch.free()], [undefined, undefined, undefined]);
  await rejects(batch.insert(node(1)), "ERR_BATCH_CLOSED");
  for (const each of [store, other]) await rejects(each.close(), "ERR_POISONED");
}

export const faults = [
  ...WHAT.flatMap((what) =>
    WHERE.map((where) => [
      `${what}, ${where}`,
      withFaults(async ({ DagStore }, api) => {
        const bystander = new api.DagStore();
        await bystander.insert(node(1));
        const unopened = new DagStore();
        const all = await crowd(DagStore);

        const long = longCalls(all);
        const settled = follow([...long, provoke(all.store, what, where), ...shortCalls(all)]);
        await failed(all.other);
        const codes = await heardSoon(settled, Date.now());
        if (where === "call" || where === "commit") equal(codes[long.length], "ERR_POISONED");
        for (const code of codes) ok(code === "ERR_POISONED" || code === "fulfilled", code);
        ok(codes.includes("ERR_POISONED"));

        const other = new DagStore();
        for (const call of [() => other.compare(all.store), () => all.store.compare(other), () => other.copyTo(all.store), () => all.store.copyTo(other)]) await rejects(call, "ERR_POISONED");
        await isPoisoned(all);
        await roundTrip(bystander);
        for (const healthy of [unopened, new DagStore()]) await roundTrip(healthy);
      }),
    ])),
  ...WHAT.map((what) => [
    `${what}, when a batch that was lost is finalized`,
    withFaults(async ({ DagStore }, { collectGarbage }) => {
      requireFinalizers(collectGarbage);
      const all = await crowd(DagStore);
      await (async () => {
        await (await all.store.beginBatch()).insert(node(1, { scopeId: `fault:${what}:drop` }));
      })();
      await collectGarbage();
      await failed(all.other);
      await isPoisoned(all);
      await roundTrip(new DagStore());
    }),
  ]),
  [
    "the error says why, and is the same for all",
    withFaults(async ({ DagStore, DagStoreError }) => {
      const store = new DagStore();
      const first = await rejects(provoke(store, "panic", "call"), "ERR_POISONED");
      ok(first instanceof DagStoreError && first.cause !== undefined && first.message.length > 60, first.message);
      equal((await rejects(store.size(), "ERR_POISONED")).message, first.message);
    }),
  ],
  [
    "it can happen again and again",
    withFaults(async ({ DagStore }) => {
      for (let i = 0; i < 10; i++) {
        const store = new DagStore();
        await roundTrip(store);
        await rejects(provoke(store, WHAT[i % 3], "call"), "ERR_POISONED");
      }
      await roundTrip(new DagStore());
    }),
  ],
  [
    "more than memory holds is refused before anything is done",
    withFaults(async ({ DagStore }) => {
      const store = new DagStore();
      const { inserted } = await store.insertMany(many(10));
      const stateHash = await store.stateHash();
      const large = function* () {
        for (let i = 0; i < 100; i++) yield node(100 + i, { content: `${i}`.padEnd(1_000_000, "x") });
      };
      await rejects(store.insertMany(large()), "ERR_QUOTA");
      equal(await store.stateHash(), stateHash);
      const batch = await store.beginBatch();
      const staged = await batch.insert(node(1000));
      await rejects(batch.insertMany(large()), "ERR_QUOTA");
      equal((await batch.commit()).inserted, [staged]);
      equal((await store.getMany(inserted)).length, 10);
      await roundTrip(store);
      await store.close();
    }),
  ],
  [
    "a store that is full stays whole, can be read, and has room again",
    withFaults(async ({ DagStore }) => {
      const store = new DagStore();
      const fill = async (round) => {
        const ids = [];
        for (let i = 0; i < 100; i++) {
          const content = `${round}, ${i}`.padEnd(1_000_000, "x");
          const inserted = await store.insert(node(i, { content })).catch((error) => error);
          if (typeof inserted !== "string") {
            equal(inserted.code, "ERR_QUOTA", String(inserted));
            return ids;
          }
          ids.push(inserted);
        }
        throw new Error("it was never full");
      };
      const first = await fill(1);
      ok(first.length > 20, `${first.length} megabytes`);
      equal([await store.size(), (await store.verify()).nodes], [first.length, first.length]);
      for (const id of first) ok((await store.getBlock(id)).length > 1_000_000);
      equal((await store.get(first[0])).cid, first[0]);
      for (const id of first) equal(await store.remove(id), true);
      const second = await fill(2);
      ok(second.length > first.length / 2, `${second.length} megabytes after ${first.length}`);
      await store.close();
      await roundTrip(new DagStore());
    }),
  ],
];
