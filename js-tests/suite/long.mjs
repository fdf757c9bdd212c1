/** Calls that take many turns of the event loop: their slices, their order, how they are given up. */
import { NotHere, equal, node, ok, rejects } from "./expect.mjs";

/** More than a few slices. */
const MANY = 5000;

const nodes = (count, rest) => Array.from({ length: count }, (_, i) => node(i, rest));

/** The same, one by one. */
function* given(count, meanwhile = () => undefined) {
  for (let i = 0; i < count; i++) {
    meanwhile(i);
    yield node(i);
  }
}

async function* givenLater(count, meanwhile = () => undefined) {
  for (let i = 0; i < count; i++) {
    await meanwhile(i);
    yield node(i);
  }
}

/** For cases in which something comes in between, such as a timer that aborts a signal. */
function assertTurns() {
  if (globalThis.navigator?.userAgent !== "Cloudflare-Workers") return;
  throw new NotHere("a call gives no turns in a Worker, whose timers end with the request that set them");
}

/** A task of its own, after those that wait already. */
const task = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Counts the tasks that others get to run until this is done. */
async function tasksDuring(call) {
  let [tasks, isDone] = [0, false];
  const counting = (async () => {
    for (; !isDone; tasks++) await task();
  })();
  const outcome = await call();
  isDone = true;
  await counting;
  return { tasks, outcome };
}

/** Nodes in a line, each with its CID, so that later ones can only be inserted after earlier ones. */
async function line({ DagStore }, count) {
  const store = new DagStore();
  const line = [];
  for (let i = 0; i < count; i++) {
    const parents = line.length > 0 ? [line.at(-1).cid] : [];
    const next = node(i, { parents, scopeId: "line" });
    line.push({ ...next, cid: await store.insert(next) });
  }
  await store.close();
  return line;
}

/** An iterable that tells whether it was closed, and how often it was asked. */
function watched(count, { isAsync = false, never = Infinity } = {}) {
  const seen = { asked: 0, closed: 0 };
  const iterator = {
    next() {
      const i = seen.asked++;
      const step = i < count ? { done: false, value: node(i) } : { done: true, value: undefined };
      if (i >= never) return new Promise(() => undefined);
      return isAsync ? Promise.resolve(step) : step;
    },
    return() {
      seen.closed++;
      return { done: true, value: undefined };
    },
  };
  return { seen, [isAsync ? Symbol.asyncIterator : Symbol.iterator]: () => iterator };
}

/** Calls that nobody waits for yet: their errors are for later. */
function begun(calls) {
  for (const call of calls) call.catch(() => undefined);
  return calls;
}

/** What is in a store, for before and after. */
const stateOf = async (store) => [await store.size(), await store.stateHash(), await store.heads()];

/** Every call that takes nodes in, on a store with something in it. */
const TAKING = {
  "store.insertMany": async (store) => (given, options) => store.insertMany(given, options),
  "batch.insertMany": async (store) => {
    const batch = await store.beginBatch();
    return (given, options) => batch.insertMany(given, options);
  },
};

async function filled({ DagStore }, count = 3) {
  const store = new DagStore();
  await store.insertMany(nodes(count, { scopeId: "before" }));
  return store;
}

export const long = [
  [
    "others have their turn while nodes are taken in, listed, read and checked",
    async ({ DagStore }) => {
      assertTurns();
      const store = new DagStore();
      const calls = {
        insertMany: () => store.insertMany(nodes(4 * MANY)),
        "insertMany from a generator": () => new DagStore().insertMany(given(2 * MANY)),
        "insertMany from what is asynchronous, but never waits": () => new DagStore().insertMany(givenLater(2 * MANY)),
        "batch.insertMany": async () => (await store.beginBatch()).insertMany(nodes(2 * MANY)),
        "list.toArray": () => store.list().toArray(),
        list: async () => {
          for await (const { cid } of store.list()) ok(cid);
        },
        page: () => store.list({ limit: 4 * MANY }).page(),
        getMany: async () => store.getMany((await store.list().toArray()).map(({ cid }) => cid)),
      };
      for (const [name, call] of Object.entries(calls)) {
        const { tasks } = await tasksDuring(call);
        // A timer may wait some milliseconds where another task would not.
        ok(tasks >= 3, `${name}: ${tasks} tasks`);
      }
    },
  ],
  [
    "what fits in a slice is taken within the call, and may be changed right after",
    async ({ DagStore }) => {
      for (const options of [undefined, { onProgress() {} }]) {
        const store = new DagStore();
        const all = nodes(1000, { content: ["as given"] });
        const inserting = store.insertMany(all, options);
        for (const changed of all) changed.content[0] = "changed";
        all.length = 0;
        equal((await inserting).inserted.length, 1000);
        for await (const { content } of store.list()) equal(content, ["as given"]);
      }
    },
  ],
  [
    "the same nodes make the same store, whichever way they come",
    async ({ DagStore }) => {
      const expected = new DagStore();
      const { inserted } = await expected.insertMany(nodes(MANY));
      const ways = {
        "a generator": given(MANY),
        "a Set": new Set(nodes(MANY)),
        "an asynchronous generator": givenLater(MANY),
        "one that takes turns": givenLater(MANY, (i) => (i % 1000 === 0 ? task() : undefined)),
        "an asynchronous iterator": watched(MANY, { isAsync: true }),
        "a list": expected.list(),
        ...(typeof ReadableStream === "function" &&
          ReadableStream.prototype[Symbol.asyncIterator] && {
            "a stream": new ReadableStream({
              start(controller) {
                for (const each of nodes(MANY)) controller.enqueue(each);
                controller.close();
              },
            }),
          }),
      };
      for (const [name, way] of Object.entries(ways)) {
        const store = new DagStore();
        const commit = await store.insertMany(way, { stateHash: true });
        equal([commit.inserted, commit.stateHash], [inserted, await expected.stateHash()], name);
        equal((await store.verify()).nodes, MANY, name);
      }
    },
  ],
  [
    "replay: a list is inserted while it is read, and shows how far it is",
    async ({ DagStore }) => {
      const store = new DagStore();
      await store.insertMany(await line({ DagStore }, 2000));
      const replica = new DagStore();
      const seen = [];
      await replica.insertMany(store.list(), { onProgress: (progress) => seen.push(progress) });
      equal(await stateOf(replica), await stateOf(store));
      ok(seen.length >= 3);
    },
  ],
  [
    "writes made during a long one take effect after it, in their order; reads don't wait",
    async (api) => {
      const { DagStore } = api;
      const before = await line(api, 30);
      // The line goes on after the long call: who came first in it is refused for want of a parent.
      for (const start of [() => new DagStore(), () => filled(api)]) {
        const store = await start();
        const { length } = await store.list().toArray();
        const long = store.insertMany([...before.slice(0, 10), ...nodes(MANY)]);
        let isDone = false;
        const done = () => {
          isDone = true;
        };
        long.then(done, done);
        const later = begun(before.slice(10, 20).map((each) => store.insert(each)));
        const second = store.insertMany([...before.slice(20, 25), ...nodes(MANY, { scopeId: "second" })]);
        const last = begun(before.slice(25).map((each) => store.insert(each)));
        const gone = store.remove(before.at(-1).cid);
        begun([long, second, gone]);
        equal(await store.size(), length);
        equal(isDone, false);
        const commits = [await long, ...(await Promise.all(later)), await second, ...(await Promise.all(last))];
        equal(commits.length, 17);
        equal(await gone, true);
        equal(await store.size({ scopeId: "line" }), 29);
      }
    },
  ],
  [
    "commits keep their place too",
    async (api) => {
      const before = await line(api, 4);
      const store = await filled(api);
      const [first, second] = [await store.beginBatch(), await store.beginBatch()];
      await first.insert(before[1]);
      await second.insert(before[3]);
      const calls = begun([
        store.insertMany([...nodes(MANY), before[0]]),
        first.commit(),
        store.insert(before[2]),
        second.commit({ onProgress() {} }),
      ]);
      await rejects(first.insert(node(1)), "ERR_BATCH_CLOSED");
      first.free();
      await first.rollback();
      const [{ sequence }, ...rest] = await Promise.all(calls);
      equal([sequence, rest[0].sequence, rest[2].sequence], [2, 3, 5]);
    },
  ],
  [
    "what gives the nodes may write to the same store, and wait for it",
    async ({ DagStore }) => {
      const store = new DagStore();
      const own = async (i) => {
        if (i % 100 !== 0) return;
        await store.insert(node(i, { scopeId: "own" }));
        await (await store.beginBatch()).commit();
      };
      await store.insertMany(givenLater(3000, own));
      equal([await store.size(), await store.size({ scopeId: "own" })], [3030, 30]);

      // What is synchronous can't wait; what it calls comes after it, or before it took its place.
      const calls = [];
      const add = (i) => {
        if (i % 1000 === 999) calls.push(store.insert(node(i, { scopeId: "from within" })));
      };
      await store.insertMany(given(3000, add));
      equal((await Promise.all(calls)).length, 3);
      equal(await store.size({ scopeId: "from within" }), 3);
    },
  ],
  [
    "an asynchronous input takes its place when it has been read",
    async (api) => {
      const { DagStore } = api;
      const [first, second] = await line(api, 2);
      const store = new DagStore();
      let go;
      const gate = new Promise((resolve) => {
        go = resolve;
      });
      // Its child is there already when it starts to wait.
      const late = store.insertMany((async function* () {
        yield second;
        await gate;
      })());
      equal(await store.insert(first), first.cid);
      go();
      equal((await late).inserted, [second.cid]);
    },
  ],
  ...Object.entries(TAKING).flatMap(([name, start]) => [
    [
      `${name} can be given up wherever it is, and leaves nothing behind`,
      async (api) => {
        assertTurns();
        const ways = {
          "before it begins": [(controller) => controller.abort("reason")],
          "within the first slice": [undefined, (i, controller) => i === 10 && controller.abort("reason")],
          "within a later slice": [undefined, (i, controller) => i === 3000 && controller.abort("reason")],
          "right after the call": [undefined, undefined, (controller) => controller.abort("reason")],
          "a microtask later": [undefined, undefined, async (controller) => {
            await undefined;
            controller.abort("reason");
          }],
          "by a timer": [undefined, undefined, (controller) => setTimeout(() => controller.abort("reason"), 1)],
        };
        for (const [when, [early, within, after]] of Object.entries(ways)) {
          for (const give of [given, givenLater]) {
            const store = await filled(api);
            const state = await stateOf(store);
            const insertMany = await start(store);
            const controller = new AbortController();
            early?.(controller);
            const { signal } = controller;
            const calling = insertMany(give(4 * MANY, (i) => void within?.(i, controller)), { signal });
            after?.(controller);
            const { cause } = await rejects(calling, "ERR_ABORTED", when);
            equal(cause, "reason", when);
            equal(await stateOf(store), state, when);
            // The next call has nothing to wait for.
            equal((await store.insertMany(nodes(2))).inserted.length, 2, when);
            await store.close();
          }
        }
      },
    ],
    [
      `${name} closes its input when it is given up, and only then`,
      async (api) => {
        assertTurns();
        for (const isAsync of [false, true]) {
          const store = await filled(api);
          let input = watched(MANY, { isAsync });
          await (await start(store))(input);
          equal([input.seen.asked, input.seen.closed], [MANY + 1, 0]);

          input = watched(Infinity, { isAsync });
          const controller = new AbortController();
          const calling = (await start(store))(input, { signal: controller.signal });
          await task();
          controller.abort();
          equal((await rejects(calling, "ERR_ABORTED")).cause.name, "AbortError");
          await task();
          const { asked } = input.seen;
          await task();
          equal([input.seen.asked, input.seen.closed], [asked, 1]);

          input = watched(MANY, { isAsync });
          const onProgress = ({ done }) => {
            if (done > 2000) throw new Error("enough");
          };
          const { cause } = await rejects((await start(store))(input, { onProgress }), "ERR_ABORTED");
          equal(cause.message, "enough");
          equal(input.seen.closed, 1);
          equal(await store.size(), name === "store.insertMany" ? MANY + 3 : 3);
        }
      },
    ],
    [
      `${name} does not wait for an input that never comes, once it is given up`,
      async (api) => {
        const store = await filled(api);
        const input = watched(Infinity, { isAsync: true, never: 1500 });
        const controller = new AbortController();
        const calling = (await start(store))(input, { signal: controller.signal });
        for (let i = 0; i < 20 && input.seen.asked < 1501; i++) await task();
        equal(input.seen.asked, 1501);
        controller.abort(new Error("too slow"));
        equal((await rejects(calling, "ERR_ABORTED")).cause.message, "too slow");
        await task();
        equal([input.seen.closed, await store.size()], [1, 3]);
      },
    ],
    [
      `${name} tells how far it is`,
      async (api) => {
        for (const input of [nodes(MANY), given(MANY), givenLater(MANY), nodes(1), []]) {
          const seen = [];
          const insertMany = await start(await filled(api));
          await insertMany(input, { onProgress: (progress) => seen.push(progress) });
          equal(seen.length > 3, input.length !== 1 && input.length !== 0);
          let before = -1;
          for (const { done, total } of seen) {
            ok(done >= before, `${done} after ${before}`);
            ok(total === undefined || done <= total, `${done} of ${total}`);
            ok(total !== undefined || !Array.isArray(input));
            before = done;
          }
          const last = seen.at(-1);
          equal(last.done, last.total ?? last.done);
        }
      },
    ],
    [
      `${name} says which node is at fault, leaves nothing behind, and closes its input`,
      async (api) => {
        for (const isAsync of [false, true]) {
          const store = await filled(api);
          const state = await stateOf(store);
          const input = watched(MANY, { isAsync });
          const iterator = input[isAsync ? Symbol.asyncIterator : Symbol.iterator]();
          const { next } = iterator;
          iterator.next = () => {
            const step = { done: false, value: { ...node(1), content: new Date(0) } };
            if (input.seen.asked < 3000) return next();
            return isAsync ? Promise.resolve(step) : step;
          };
          const { message } = await rejects((await start(store))(input), "ERR_INVALID_NODE");
          ok(message.startsWith("[3000].content"), message);
          equal(input.seen.closed, 1);
          equal(await stateOf(store), state);
        }
      },
    ],
    [
      `${name} takes odd inputs and options for what they are`,
      async (api) => {
        const store = await filled(api);
        const insertMany = await start(store);
        const odd = {
          "a number": 5,
          text: "nodes",
          nothing: undefined,
          "an object": {},
          "an iterator that is none": { [Symbol.iterator]: () => 5 },
          "no iterator": { [Symbol.iterator]: () => undefined },
          "an asynchronous iterator that is none": { [Symbol.asyncIterator]: () => ({}) },
          "an iterator that throws": { [Symbol.iterator]: () => { throw new Error("odd"); } },
          "a next that throws": { [Symbol.iterator]: () => ({ next() { throw new Error("odd"); } }) },
          "a next that gives nothing": { [Symbol.iterator]: () => ({ next: () => undefined }) },
          "a getter that throws": { get [Symbol.asyncIterator]() { throw new Error("odd"); } },
        };
        for (const [what, input] of Object.entries(odd)) await rejects(insertMany(input), "ERR_INVALID_ARGUMENT", what);
        const broken = {
          "an asynchronous next that throws": { [Symbol.asyncIterator]: () => ({ next() { throw new Error("odd"); } }) },
          "one that is refused": { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("odd")) }) },
          "one that is refused late": givenLater(MANY, (i) => i === 3000 && Promise.reject(new Error("odd"))),
          "a thenable that throws": { [Symbol.asyncIterator]: () => ({ next: () => ({ then() { throw new Error("odd"); } }) }) },
        };
        for (const [what, input] of Object.entries(broken)) {
          equal((await rejects(insertMany(input), "ERR_STORAGE", what)).cause.message, "odd");
        }
        await rejects(insertMany([Promise.resolve(node(1))]), "ERR_INVALID_NODE");
        const options = [5, null, [], { signal: null }, { signal: {} }, { signal: { aborted: false } }, { onProgress: 5 },
          { onprogress() {} }, { get signal() { return undefined; } }];
        for (const wrong of options) await rejects(insertMany([], wrong), "ERR_INVALID_ARGUMENT");
        await insertMany([], { signal: undefined, onProgress: undefined });
        equal(await store.size(), 3);
      },
    ],
  ]),
  [
    "given up at any moment, an import is done wholly or not at all",
    async (api) => {
      const outcomes = { done: 0, ERR_ABORTED: 0 };
      for (let tasks = 0; tasks < 400 && outcomes.done < 3; tasks += 1 + (tasks >> 3)) {
        const store = await filled(api);
        const state = await stateOf(store);
        const controller = new AbortController();
        const calling = store.insertMany(nodes(3 * MANY), { signal: controller.signal });
        const settled = calling.then(() => "done", ({ code }) => code);
        for (let i = 0; i < tasks; i++) await task();
        controller.abort();
        const outcome = await settled;
        outcomes[outcome]++;
        if (outcome === "done") equal(await store.size(), 3 * MANY + 3);
        else equal(await stateOf(store), state);
        await store.close();
      }
      ok(outcomes.done > 0 && outcomes.ERR_ABORTED > 0, JSON.stringify(outcomes));
    },
  ],
  [
    "a signal that is aborted afterwards changes nothing",
    async ({ DagStore }) => {
      const store = new DagStore();
      const controller = new AbortController();
      const { signal } = controller;
      let listening = 0;
      for (const [method, change] of [["addEventListener", 1], ["removeEventListener", -1]]) {
        signal[method] = (...args) => {
          listening += change;
          return AbortSignal.prototype[method].apply(signal, args);
        };
      }
      await store.insertMany(nodes(MANY), { signal });
      equal((await store.list({ signal }).toArray()).length, MANY);
      await store.verify({ signal });
      await store.stateHash({ signal });
      const batch = await store.beginBatch();
      await batch.insertMany(nodes(3, { scopeId: "batch" }), { signal });
      await batch.commit({ signal });
      equal(listening, 0, "nothing is left behind at the signal");
      controller.abort();
      await task();
      equal(await store.size(), MANY + 3);
    },
  ],
  [
    "one that waits in line can be given up there",
    async ({ DagStore }) => {
      const store = new DagStore();
      const batch = await store.beginBatch();
      await batch.insert(node(1, { scopeId: "batch" }));
      const controller = new AbortController();
      const { signal } = controller;
      const long = store.insertMany(nodes(MANY));
      let isDone = false;
      long.then(() => {
        isDone = true;
      });
      const waiting = begun([
        store.insertMany(nodes(2, { scopeId: "few" }), { signal }),
        store.insertMany(nodes(MANY, { scopeId: "many" }), { signal }),
        batch.commit({ signal }),
      ]);
      const last = store.insert(node(1, { scopeId: "last" }));
      controller.abort("not now");
      for (const each of waiting) equal((await rejects(each, "ERR_ABORTED")).cause, "not now");
      equal(isDone, false);
      await rejects(batch.insert(node(2)), "ERR_BATCH_CLOSED");
      await Promise.all([long, last]);
      equal([await store.size(), await store.size({ scopeId: "last" })], [MANY + 1, 1]);
    },
  ],
  [
    "what a batch is asked during a long call of its own is done after it",
    async (api) => {
      const store = await filled(api);
      const [first, second] = await line(api, 2);
      const batch = await store.beginBatch();
      const long = batch.insertMany(nodes(MANY));
      const calls = begun([batch.insert(first), batch.get(first.cid), batch.remove(first.cid), batch.get(first.cid),
        batch.insertMany([first, ...nodes(MANY, { scopeId: "second" })]), batch.insert(second)]);
      const committing = batch.commit();
      await rejects(batch.insert(node(1)), "ERR_BATCH_CLOSED");
      batch.free();
      // The store's own writes come after the commit, which was called before.
      const removing = store.remove(second.cid);
      equal((await long).length, MANY);
      const [, staged, , removed, many, last] = await Promise.all(calls);
      equal([staged?.cid, removed, many.length, last], [first.cid, undefined, MANY + 1, second.cid]);
      equal((await committing).inserted.length, 2 * MANY + 2);
      equal(await removing, true);
    },
  ],
  ...["free", "rollback"].map((end) => [
    `${end} of a batch during a long call of its own ends that`,
    async (api) => {
      assertTurns();
      for (const isAsync of [false, true]) {
        for (const tasks of [0, 1, 2, 5]) {
          const store = await filled(api);
          const state = await stateOf(store);
          const batch = await store.beginBatch();
          const input = watched(Infinity, { isAsync });
          const behind = () => [batch.insert(node(1)), batch.insertMany(nodes(MANY))];
          const calls = begun([batch.insertMany(input), ...(isAsync ? [] : behind())]);
          for (let i = 0; i < tasks; i++) await task();
          await batch[end]();
          for (const each of calls) await rejects(each, "ERR_BATCH_CLOSED");
          await task();
          equal([input.seen.closed, ...(await stateOf(store))], [1, ...state]);
        }
      }
    },
  ]),
  [
    "close waits for the long calls made before it, and for what is queued behind them",
    async (api) => {
      const store = await filled(api);
      const [batch, held] = [await store.beginBatch(), await store.beginBatch()];
      const calls = [
        store.insertMany(nodes(MANY)),
        store.insert(node(1, { scopeId: "after" })),
        batch.insertMany(nodes(MANY, { scopeId: "batch" })),
        batch.commit(),
        held.insertMany(nodes(MANY)),
      ];
      const closing = store.close();
      for (const late of [() => store.size(), () => store.insertMany([]), () => store.insertMany(givenLater(1))]) {
        await rejects(late, "ERR_CLOSED");
      }
      await rejects(held.insert(node(1)), "ERR_BATCH_CLOSED");
      const [first, , staged, commit] = await Promise.all(calls);
      await closing;
      equal([first.inserted.length, staged.length, commit.inserted.length], [MANY, MANY, MANY]);
      await rejects(held.commit(), "ERR_BATCH_CLOSED");
      await store.close();
    },
  ],
  [
    "close does not wait for what has yet to take its place",
    async ({ DagStore }) => {
      for (const tasks of [0, 3]) {
        const store = new DagStore();
        const batch = await store.beginBatch();
        const inputs = [0, 1].map(() => watched(Infinity, { isAsync: true, never: 1500 }));
        const calls = begun([store.insertMany(inputs[0]), batch.insertMany(inputs[1])]);
        for (let i = 0; i < tasks; i++) await task();
        await store.close();
        await rejects(calls[0], "ERR_CLOSED");
        await rejects(calls[1], "ERR_BATCH_CLOSED");
        equal(inputs.map(({ seen }) => seen.closed), [1, 1]);
      }
    },
  ],
  [
    "long calls made before the wasm is there keep their order",
    async (api) => {
      const { DagStore } = api;
      const before = await line(api, 4);
      const store = new DagStore();
      const calls = [
        store.insert(before[0]),
        store.insertMany([before[1], ...nodes(MANY)]),
        store.insert(before[2]),
        store.insertMany([before[3]]),
        store.close(),
      ];
      equal((await Promise.all(calls))[3].sequence, 4);
    },
  ],
  [
    "lists can be given up, and tell how far they are",
    async (api) => {
      assertTurns();
      const store = await filled(api, MANY);
      const seen = [];
      await store.list({ limit: MANY - 1, onProgress: (progress) => seen.push(progress) }).toArray();
      equal(seen.at(-1), { done: MANY - 1 });
      ok(seen.length > 3);

      for (const at of [0, 1, 64, 100, 2000]) {
        const controller = new AbortController();
        let count = 0;
        const reading = async () => {
          for await (const { cid } of store.list({ signal: controller.signal })) {
            ok(cid);
            if (++count === at) controller.abort(at);
          }
        };
        if (at === 0) controller.abort(at);
        equal((await rejects(reading, "ERR_ABORTED")).cause, at);
        // Not one more, though the page may hold more.
        equal(count, at);
      }
      const ways = {
        toArray: (list) => list.toArray(),
        page: (list) => list.page(),
      };
      for (const [name, read] of Object.entries(ways)) {
        const controller = new AbortController();
        const options = { limit: MANY, signal: controller.signal };
        const reading = read(store.list(options));
        setTimeout(() => controller.abort(name), 0);
        equal((await rejects(reading, "ERR_ABORTED")).cause, name);
        await rejects(read(store.list(options)), "ERR_ABORTED");
        const onProgress = () => {
          throw name;
        };
        equal((await rejects(read(store.list({ onProgress })), "ERR_ABORTED")).cause, name);
      }
      for (const odd of [{ signal: 5 }, { signal: {} }, { onProgress: true }]) {
        await rejects(store.list(odd).toArray(), "ERR_INVALID_ARGUMENT");
        await rejects(store.list(odd).page(), "ERR_INVALID_ARGUMENT");
      }
    },
  ],
  [
    "getMany of many is in the order of the ids",
    async (api) => {
      assertTurns();
      const store = await filled(api, MANY);
      const cids = (await store.list().toArray()).map(({ cid }) => cid).reverse();
      const unknown = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
      cids.splice(3000, 0, unknown);
      const seen = [];
      const found = await store.getMany(cids, { onProgress: (progress) => seen.push(progress) });
      equal(found.map((read) => read?.cid ?? unknown), cids);
      equal(found[3000], undefined);
      equal(seen.at(-1), { done: MANY + 1, total: MANY + 1 });
      const controller = new AbortController();
      const reading = store.getMany(new Set(cids), { signal: controller.signal });
      setTimeout(() => controller.abort(), 0);
      await rejects(reading, "ERR_ABORTED");
      await rejects(store.getMany([...cids, "nonsense"]), "ERR_INVALID_CID");
      await rejects(store.getMany((function* () {
        yield* cids;
        throw new Error("odd");
      })()), "ERR_INVALID_ARGUMENT");
      await rejects(store.getMany(givenLater(1)), "ERR_INVALID_ARGUMENT");
    },
  ],
  [
    "verify and stateHash can be given up, and tell how far they are",
    async (api) => {
      assertTurns();
      const store = await filled(api, 4 * MANY);
      for (const call of ["verify", "stateHash"]) {
        const seen = [];
        await store[call]({ onProgress: (progress) => seen.push(progress) });
        ok(seen.length > 0 && seen.every(({ done }, i) => i === 0 || done >= seen[i - 1].done), call);
        await rejects(store[call]({ signal: AbortSignal.abort(call) }), "ERR_ABORTED");
        await rejects(store[call]({ signal: 5 }), "ERR_INVALID_ARGUMENT");
      }
      const controller = new AbortController();
      const verifying = store.verify({ signal: controller.signal });
      setTimeout(() => controller.abort("enough"), 0);
      equal((await rejects(verifying, "ERR_ABORTED")).cause, "enough");
      equal((await store.verify()).nodes, 4 * MANY);
    },
  ],
  [
    "a long call over nothing, or with the limit reached late",
    async ({ DagStore }) => {
      const store = new DagStore({ limits: { batchOperations: 3000, batchBytes: 1 << 20 } });
      equal((await store.insertMany(givenLater(0))).inserted, []);
      equal((await store.insertMany(nodes(3000))).inserted.length, 3000);
      for (const give of [given, givenLater]) await rejects(store.insertMany(give(Infinity)), "ERR_LIMIT");
      const large = nodes(20, { content: "x".repeat(100_000) });
      await rejects(store.insertMany(large), "ERR_LIMIT");
      equal(await store.size(), 3000);
    },
  ],
  [
    "a store closes when what is read in parts has been read",
    async (api) => {
      const reads = {
        verify: (store) => store.verify().then(({ nodes }) => nodes),
        getMany: (store, cids) => store.getMany(cids).then((found) => found.filter(Boolean).length),
        "getMany, of one slice": (store, cids) => store.getMany(cids.slice(0, 1024)).then(() => MANY),
        toArray: (store) => store.list().toArray().then(({ length }) => length),
        page: (store) => store.list({ limit: MANY }).page().then(({ nodes }) => nodes.length),
        stateHash: (store) => store.stateHash().then(() => MANY),
      };
      for (const [name, read] of Object.entries(reads)) {
        const store = new api.DagStore();
        const { inserted } = await store.insertMany(nodes(MANY));
        const reading = read(store, inserted);
        const closing = store.close();
        await rejects(read(store, inserted), "ERR_CLOSED", name);
        equal(await reading, MANY, name);
        await closing;
      }
      // A loop is no call: it ends where it is.
      const store = await filled(api, MANY);
      await rejects(async () => {
        for await (const _ of store.list()) await store.close();
      }, "ERR_CLOSED");
    },
  ],
  [
    "an onProgress that is asynchronous is heard",
    async ({ DagStore }) => {
      const store = new DagStore();
      const cause = new Error("later");
      const error = await rejects(store.insertMany(nodes(MANY), { onProgress: () => Promise.reject(cause) }), "ERR_ABORTED");
      equal(error.cause === cause, true);
      equal(await store.size(), 0);
      await store.insertMany(nodes(MANY), { onProgress: async () => undefined });
      equal(await store.size(), MANY);
    },
  ],
  [
    "a signal that can't be let go of changes nothing",
    async ({ DagStore }) => {
      const store = new DagStore();
      const removeEventListener = () => {
        throw new Error("no");
      };
      const signal = { aborted: false, addEventListener() {}, removeEventListener };
      equal((await store.insertMany(nodes(10), { signal })).inserted.length, 10);
      equal(await store.size(), 10);
    },
  ],
];
