/** Watching a store: every commit once, in order, with the nodes that were asked for. */
import { NotHere, equal, node, ok, rejects } from "./expect.mjs";
import { memoryBytes } from "./memories.mjs";

const OVER = { done: true, value: undefined };
const PAGE = 1 << 16;

const vote = (i, rest) => node(i, { eventType: "vote", scopeId: "garden", ...rest });

/** The next commits of a watch, so many. */
async function take(watch, count) {
  const commits = [];
  for (let i = 0; i < count; i++) commits.push((await watch.next()).value);
  return commits;
}

/** Tells whether a Promise is still pending once everything that can happen by itself has happened. */
async function isPending(promise) {
  let settled = false;
  const settle = () => (settled = true);
  promise.then(settle, settle);
  for (let i = 0; i < 50; i++) await undefined;
  return !settled;
}

/** Ten commits of all kinds, as `commit` and its like told of them. */
async function filled({ DagStore }, limits = {}) {
  const store = new DagStore({ limits });
  const made = [];
  for (let i = 0; i < 5; i++) {
    const batch = await store.beginBatch();
    await batch.insertMany([vote(3 * i), node(3 * i + 1), node(3 * i + 2, { scopeId: "garden" })]);
    made.push(await batch.commit({ stateHash: i === 3 }));
    const removing = await store.beginBatch();
    await removing.remove(made.at(-1).inserted[i % 3]);
    made.push(await removing.commit());
  }
  return { store, made };
}

/** The ways in which a watch ends early, while a call waits. */
const ENDINGS = {
  "return()": (watch) => watch.return(),
  "Symbol.asyncDispose": (watch) => {
    if (!Symbol.asyncDispose) throw new NotHere("the engine has no Symbol.asyncDispose");
    return watch[Symbol.asyncDispose]();
  },
};

export const watching = [
  [
    "every commit comes as it was told to whoever made it, from any on",
    async (api) => {
      const { store, made } = await filled(api);
      equal(await store.sequence(), 10);
      for (const from of [0, 1, 2, 5, 10]) {
        const expected = made.slice(Math.max(from - 1, 0));
        equal(await take(store.watch({ from }), expected.length), expected, `from ${from}`);
      }
    },
  ],
  [
    "from now on: from the call, whatever is asked first",
    async ({ DagStore }) => {
      // The wasm may not even be loaded yet.
      const store = new DagStore();
      const first = store.watch();
      const a = await store.insert(node(1));
      const second = store.watch();
      const b = await store.insert(node(2));
      equal((await take(first, 2)).map(({ inserted }) => inserted), [[a], [b]]);
      const [commit] = await take(second, 1);
      equal(Object.keys(commit), ["sequence", "id", "inserted", "removed"]);
      equal([commit.sequence, commit.inserted, commit.removed], [2, [b], []]);
      ok(/^[0-9a-f]{32}$/.test(commit.id), commit.id);
      equal((await take(store.watch({ from: 2 }), 1))[0], commit, "it has the same id, whoever asks");
    },
  ],
  [
    "a loop waits for commits, and ends when it is left",
    async ({ DagStore }) => {
      const store = new DagStore();
      const seen = [];
      const loop = (async () => {
        for await (const { sequence } of store.watch()) {
          seen.push(sequence);
          if (sequence === 3) break;
          // What is done in the loop is told too.
          await store.insert(node(100 + sequence));
        }
      })();
      await store.insert(node(1));
      await loop;
      equal(seen, [1, 2, 3]);
    },
  ],
  [
    "filters let nodes pass, and pass over commits without any",
    async (api) => {
      const { store, made } = await filled(api);
      const told = async (options, count) => (await take(store.watch({ from: 1, ...options }), count)).map(({ sequence, inserted, removed }) => [sequence, inserted, removed]);
      const all = (pick) => made.map(({ sequence, inserted, removed }) => [sequence, ...pick(inserted, removed)]).filter(([, i, r]) => i.length + r.length > 0);
      equal(await told({ only: "inserted" }, 5), all((i) => [i, []]));
      equal(await told({ only: "removed" }, 5), all((_, r) => [[], r]));
      const [votes, garden] = [0, 2].map((at) => new Set(made.flatMap(({ inserted }) => inserted.slice(at, at + 1))));
      const filter = (ids) => all((i, r) => [i.filter((id) => ids.has(id)), r.filter((id) => ids.has(id))]);
      equal(await told({ eventTypes: ["vote"] }, 7), filter(votes));
      const both = new Set([...votes, ...garden]);
      equal(await told({ scopeId: "garden" }, filter(both).length), filter(both));
      equal(await told({ scopeId: "garden", eventTypes: ["receipt", "odd"] }, filter(garden).length), filter(garden));
      const waiting = [{ scopeId: "nowhere" }, { eventTypes: [] }, { eventTypes: ["genesis"] }, { scopeId: "scope", eventTypes: ["vote"] }];
      for (const options of waiting) {
        const watch = store.watch({ from: 1, ...options });
        const next = watch.next();
        ok(await isPending(next), JSON.stringify(options));
        await watch.return();
        equal(await next, OVER);
      }
    },
  ],
  [
    "calls of next are answered in their order, and end together",
    async ({ DagStore }) => {
      const store = new DagStore();
      const watch = store.watch();
      const calls = [watch.next(), watch.next(), watch.next(), watch.next()];
      await store.insert(node(1));
      await store.insert(node(2));
      equal((await Promise.all(calls.slice(0, 2))).map(({ value }) => value.sequence), [1, 2]);
      ok(await isPending(calls[2]));
      equal(await watch.return(), OVER);
      equal(await Promise.all(calls.slice(2)), [OVER, OVER]);
      equal(await watch.next(), OVER);
      ok(watch[Symbol.asyncIterator]() === watch);
    },
  ],
  ...Object.entries(ENDINGS).map(([name, end]) => [
    `${name} ends it, before the first call, during one and after one`,
    async ({ DagStore }) => {
      const store = new DagStore();
      for (const before of [async () => {}, (watch) => void watch.next(), async (watch) => {
        await store.insert(node(await store.sequence()));
        await watch.next();
      }]) {
        const watch = store.watch();
        await before(watch);
        await end(watch);
        equal([await watch.next(), await watch.next()], [OVER, OVER]);
        await end(watch);
      }
    },
  ]),
  [
    "an aborted signal ends it, with its reason",
    async ({ DagStore }) => {
      const store = new DagStore();
      const [aborted, controller] = [new AbortController(), new AbortController()];
      const why = new Error("no more");
      aborted.abort(why);
      const early = store.watch({ signal: aborted.signal, from: 1 });
      await store.insert(node(1));
      equal((await rejects(early.next(), "ERR_ABORTED")).cause, why);
      equal(await early.next(), OVER);

      const watch = store.watch({ signal: controller.signal });
      await store.insert(node(2));
      equal((await watch.next()).value.sequence, 2);
      const waits = watch.next();
      ok(await isPending(waits));
      controller.abort(why);
      ok((await rejects(waits, "ERR_ABORTED")).cause === why);
      equal(await watch.next(), OVER);
      // Others go on.
      const other = store.watch();
      await store.insert(node(3));
      equal((await other.next()).value.sequence, 3);
    },
  ],
  [
    "a signal is listened to only while a call waits",
    async ({ DagStore }) => {
      const store = new DagStore();
      let listeners = 0;
      const signal = {
        aborted: false,
        addEventListener: () => listeners++,
        removeEventListener: () => listeners--,
      };
      const watch = store.watch({ signal });
      await store.insert(node(1));
      await watch.next();
      equal(listeners, 0);
      const waits = watch.next();
      ok(await isPending(waits));
      equal(listeners, 1);
      await watch.return();
      await waits;
      equal(listeners, 0);
    },
  ],
  [
    "the store closes: who waits and who comes is told ERR_CLOSED, once",
    async ({ DagStore }) => {
      const store = new DagStore();
      const [first, second, third] = [store.watch(), store.watch(), store.watch()];
      await store.insert(node(1));
      await second.next();
      await first.next();
      const waits = [first.next(), first.next()];
      ok(await isPending(waits[0]));
      const closed = store.close();
      await rejects(waits[0], "ERR_CLOSED");
      equal(await waits[1], OVER);
      await closed;
      await rejects(second.next(), "ERR_CLOSED");
      equal(await second.next(), OVER);
      await rejects(third.next(), "ERR_CLOSED");
      await rejects(store.watch().next(), "ERR_CLOSED");
      await rejects(store.watch({ from: 1 }).next(), "ERR_CLOSED");
      await rejects(store.sequence(), "ERR_CLOSED");
      equal(await store.watch().return(), OVER);
    },
  ],
  [
    "a store that is closed at once, and one that was never used",
    async ({ DagStore }) => {
      const [used, unused] = [new DagStore(), new DagStore()];
      const calls = [used.watch().next(), used.watch({ from: 1 }).next()];
      await used.close();
      for (const call of calls) await rejects(call, "ERR_CLOSED");
      await unused.close();
      await rejects(unused.watch().next(), "ERR_CLOSED");
    },
  ],
  [
    "whoever falls behind is told ERR_COMPACTED, and no lie",
    async ({ DagStore }) => {
      const store = new DagStore({ limits: { history: 8 } });
      const slow = store.watch();
      const commits = [];
      for (let i = 0; i < 20; i++) commits.push(await store.insertMany([node(2 * i), node(2 * i + 1)]));
      await rejects(slow.next(), "ERR_COMPACTED");
      equal(await slow.next(), OVER);
      await rejects(store.watch({ from: 12 }).next(), "ERR_COMPACTED");
      equal(await take(store.watch({ from: 13 }), 8), commits.slice(12));
      await rejects(store.list({ afterCommit: 11 }).toArray(), "ERR_COMPACTED");
      equal((await store.list({ afterCommit: 12 }).toArray()).map(({ cid }) => cid), commits.slice(12).flatMap(({ inserted }) => inserted));
      // Inserts of single nodes in a row count as one; a commit that removes more than is remembered is not told.
      for (let i = 0; i < 100; i++) await store.insert(node(100 + i));
      equal((await take(store.watch({ from: 14 }), 107)).at(-1).sequence, 120);
      const removing = await store.beginBatch();
      await removing.removeMany(commits.slice(0, 5).flatMap(({ inserted }) => inserted));
      const live = store.watch();
      await removing.commit();
      await rejects(live.next(), "ERR_COMPACTED");
    },
  ],
  [
    "from beyond the next commit is ERR_INVALID_ARGUMENT",
    async (api) => {
      const { store } = await filled(api);
      const next = store.watch({ from: 11 });
      const waits = next.next();
      ok(await isPending(waits));
      await rejects(store.watch({ from: 12 }).next(), "ERR_INVALID_ARGUMENT");
      await rejects(store.watch({ from: Number.MAX_SAFE_INTEGER }).next(), "ERR_INVALID_ARGUMENT");
      const id = await store.insert(node(1000));
      equal((await waits).value.inserted, [id]);
    },
  ],
  [
    "everything once, and then whatever is new",
    async (api) => {
      const { store } = await filled(api);
      const before = await store.sequence();
      const meanwhile = await store.insert(node(1000));
      const all = new Set((await store.list().toArray()).map(({ cid }) => cid));
      const watch = store.watch({ from: before + 1, only: "inserted" });
      equal((await watch.next()).value.inserted, [meanwhile]);
      const later = await store.insert(node(1001));
      equal([(await watch.next()).value.inserted, all.has(meanwhile), all.has(later)], [[later], true, false]);
      equal((await store.list({ afterCommit: before }).toArray()).map(({ cid }) => cid), [meanwhile, later]);
    },
  ],
  [
    "no gap and no repeat beside calls that overlap, and long commits",
    async ({ DagStore }) => {
      const store = new DagStore();
      const watches = [store.watch(), store.watch({ from: 0 }), store.watch({ scopeId: "scope" })];
      const reading = watches.map((watch) => take(watch, 63));
      const writes = [];
      for (let i = 0; i < 60; i++) {
        writes.push(store.insert(node(i)));
        if (i % 20 === 10) writes.push(store.insertMany(Array.from({ length: 3000 }, (_, j) => node(10_000 * i + 1000 + j))));
      }
      const told = await Promise.all(reading);
      const outcomes = await Promise.all(writes);
      const expected = outcomes.map((outcome) => (typeof outcome === "string" ? [outcome] : outcome.inserted));
      for (const commits of told) {
        equal(commits.map(({ sequence }) => sequence), expected.map((_, i) => i + 1));
        ok(commits.every(({ inserted }, i) => inserted.join() === expected[i].join()));
      }
    },
  ],
  [
    "it works from within the callbacks of other calls",
    async ({ DagStore }) => {
      const store = new DagStore();
      const begun = [];
      const onProgress = () => {
        const watch = store.watch({ from: 1 });
        begun.push(watch.next());
      };
      const { inserted } = await store.insertMany(Array.from({ length: 3000 }, (_, i) => node(i)), { onProgress });
      ok(begun.length > 1);
      for (const next of begun) equal((await next).value.inserted.length, inserted.length);
    },
  ],
  [
    "options that make no sense are told at the first call",
    async ({ DagStore }) => {
      const store = new DagStore();
      const wrong = [
        null, 5, { odd: 1 }, { from: -1 }, { from: 1.5 }, { from: "1" }, { from: 1n }, { only: "both" }, { only: "toString" }, { only: 1 },
        { scopeId: 1 }, { eventTypes: "vote" }, { eventTypes: [1] }, { signal: {} }, { onProgress: () => {} }, { get from() { return 1; } },
      ];
      for (const options of wrong) {
        const watch = store.watch(options);
        await rejects(watch.next(), "ERR_INVALID_ARGUMENT");
        equal(await watch.next(), OVER);
      }
      const { watch } = store;
      let thrown;
      try {
        watch();
      } catch ({ code }) {
        thrown = code;
      }
      equal(thrown, "ERR_INVALID_ARGUMENT");
    },
  ],
  [
    "flat: 10,000 watches that wait and are left, and 10,000 that nobody asks",
    async ({ DagStore }) => {
      const store = new DagStore();
      await store.insert(node(0));
      const round = async (count) => {
        const [watches, signals] = [[], []];
        for (let i = 0; i < count; i++) {
          const controller = new AbortController();
          const watch = store.watch({ scopeId: `of nobody ${i % 10}`, signal: controller.signal });
          signals.push(controller);
          watches.push([watch, watch.next().catch(({ code }) => code)]);
          store.watch();
        }
        // What others commit wakes all of them, in vain.
        await store.insert(node(await store.sequence()));
        watches.forEach(([watch], i) => (i % 2 ? watch.return() : signals[i].abort()));
        for (const [i, [, next]] of watches.entries()) equal(await next, i % 2 ? OVER : "ERR_ABORTED");
      };
      for (let i = 0; i < 3; i++) await round(500);
      const warm = memoryBytes();
      for (let i = 0; i < 20; i++) await round(500);
      const grown = memoryBytes() - warm;
      ok(grown <= PAGE, `${grown} bytes more`);
      equal(await store.size(), 24);
    },
  ],
  [
    "flat: commits that are remembered and forgotten again",
    async ({ DagStore }) => {
      const store = new DagStore({ limits: { history: 500 } });
      let warm;
      for (let i = 0; i < 6000; i++) {
        const id = await store.insert(node(i, { eventType: `type ${i}`.padEnd(200, "x") }));
        await store.remove(id);
        if (i === 3000) warm = memoryBytes();
      }
      const grown = memoryBytes() - warm;
      ok(grown <= PAGE, `${grown} bytes more`);
      equal(await store.sequence(), 12_000);
    },
  ],
  [
    "the instance fails: ERR_POISONED for who waits and who comes",
    async ({ faults }) => {
      if (!faults) throw new NotHere("there is no build of the package that fails on purpose");
      const store = new faults.DagStore();
      const [watch, later] = [store.watch(), store.watch({ from: 1 })];
      await store.insert(node(1));
      await watch.next();
      const waits = watch.next();
      ok(await isPending(waits));
      await rejects(store.insert(node(2, { scopeId: "fault:panic:commit" })), "ERR_POISONED");
      await rejects(waits, "ERR_POISONED");
      await rejects(later.next(), "ERR_POISONED");
      equal([await watch.next(), await later.next()], [OVER, OVER]);
      equal(await store.watch().return(), OVER);
      await rejects(store.watch().next(), "ERR_POISONED");
    },
  ],
];
