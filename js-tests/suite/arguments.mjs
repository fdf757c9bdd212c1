/** Arguments other than nodes that mean harm, or mean nothing: options, iterables, ids and links. */
import { NotHere, equal, node, ok, rejects } from "./expect.mjs";
import { detached, getter, outOfBounds, revoked, roundTrip, shared, throwing, throwingGetter, unspeakable } from "./strange.mjs";

const good = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";

/** The calls that take options: how they are made, and a key that each knows. */
const CALLS = {
  insertMany: ["stateHash", (store, options) => store.insertMany([node(1)], options)],
  commit: ["stateHash", async (store, options) => {
    const batch = await store.beginBatch();
    try {
      return await batch.commit(options);
    } finally {
      // Options that can't be read leave it open.
      equal((await batch.insert(node(1))).length, 59);
      batch.free();
    }
  }],
  list: ["scopeId", (store, options) => store.list(options).toArray()],
  page: ["scopeId", (store, options) => store.list(options).page()],
  count: ["scopeId", (store, options) => store.count(options)],
  scopes: ["after", (store, options) => store.scopes(options)],
  compare: ["scopeId", (store, options) => store.compare(store, options)],
  copyTo: ["verify", (store, options) => store.copyTo(store, options)],
  size: ["scopeId", (store, options) => store.size(options)],
  heads: ["scopeId", (store, options) => store.heads(options)],
  stateHash: ["scopeId", (store, options) => store.stateHash(options)],
  "new DagStore": ["limits", async (_, options, { DagStore }) => new DagStore(options)],
};

/** Options that no call takes, by name; made for a key that the call knows. */
const OPTIONS = [
  ["null", () => null],
  ["a number", () => 5],
  ["NaN", () => NaN],
  ["a bigint", () => 1n],
  ["text", () => "options"],
  ["true", () => true],
  ["a symbol", () => Symbol("options")],
  ["a function", () => () => ({})],
  ["a list", () => []],
  ["a Map", () => new Map([["scopeId", "s"]])],
  ["a Date", () => new Date()],
  ["bytes", () => new Uint8Array(1)],
  ["a Promise", () => Promise.resolve({})],
  ["an instance of a class", () => new (class Options {})()],
  ["what inherits its options", (key) => Object.create({ [key]: "s" })],
  ["an unknown key", () => ({ odd: 1 })],
  ["an unknown key that is undefined", () => ({ odd: undefined })],
  ["`__proto__` for a key", () => JSON.parse('{ "__proto__": { "scopeId": "s" } }')],
  ["a symbol for a key", () => ({ [Symbol.iterator]: 1 })],
  ["a key that is not enumerable", () => Object.defineProperty({}, "odd", { value: 1 })],
  ["a getter", (key) => getter(key)],
  ["a getter that throws", (key) => throwingGetter(key)],
  ["a setter", (key) => Object.defineProperty({}, key, { set() {}, enumerable: true })],
  ["a wrong kind of value", (key) => ({ [key]: 5 })],
  ["a proxy for a value", (key) => ({ [key]: revoked({}) })],
  ["a symbol for a value", (key) => ({ [key]: Symbol("value") })],
  ["a revoked proxy", () => revoked({})],
  ...["getPrototypeOf", "ownKeys", "getOwnPropertyDescriptor"].map((trap) =>
    [`a proxy whose ${trap} throws`, (key) => throwing({ [key]: "s" }, trap)]),
  ["a proxy that throws what can't be looked at", () => unspeakable()],
  ["a proxy that hides what it has", (key) => new Proxy({}, { ownKeys: () => [key], getOwnPropertyDescriptor: () => undefined })],
];

/** Values of single options: the call, and the options. */
const VALUES = [
  ["conditions that are no list", "insertMany", () => ({ conditions: { length: 1, 0: { absent: good } } })],
  ["conditions that are an iterator", "insertMany", () => ({ conditions: [][Symbol.iterator]() })],
  ["conditions that are a revoked proxy", "insertMany", () => ({ conditions: revoked([]) })],
  ["conditions whose proxy throws", "insertMany", () => ({ conditions: throwing([1], "get") })],
  ["a hole for a condition", "insertMany", () => ({ conditions: [,] })],
  ["a getter in a condition", "insertMany", () => ({ conditions: [getter("absent")] })],
  ["a condition of two kinds", "insertMany", () => ({ conditions: [{ absent: good, stateHash: "0".repeat(64) }] })],
  ["a condition that is a proxy that throws", "insertMany", () => ({ conditions: [throwing({}, "ownKeys")] })],
  ["heads that are text", "insertMany", () => ({ conditions: [{ heads: good }] })],
  ["heads whose proxy throws", "insertMany", () => ({ conditions: [{ heads: throwing([1], "get") }] })],
  ["heads that are no ids", "insertMany", () => ({ conditions: [{ heads: [{}] }] }), "ERR_INVALID_CID"],
  ["an absent node that is a symbol", "insertMany", () => ({ conditions: [{ absent: Symbol("s") }] }), "ERR_INVALID_CID"],
  ["a state hash in upper case", "insertMany", () => ({ conditions: [{ stateHash: "A".repeat(64) }] })],
  ["a state hash with a line after it", "insertMany", () => ({ conditions: [{ stateHash: `${"a".repeat(64)}\n` }] })],
  ["an id that is detached", "insertMany", () => ({ id: detached(new Uint8Array(16)) })],
  ["an id that is shared", "insertMany", () => ({ id: new Uint8Array(shared(16)) })],
  ["an id out of bounds", "insertMany", () => ({ id: outOfBounds(Uint8Array) })],
  ["an id that is a list", "insertMany", () => ({ id: new Array(16).fill(1) })],
  ["an id that is a proxy", "insertMany", () => ({ id: new Proxy(new Uint8Array(16), {}) })],
  ["a state hash flag that is 1", "insertMany", () => ({ stateHash: 1 })],
  ["event types that are a Set", "list", () => ({ eventTypes: new Set(["vote"]) })],
  ["event types whose proxy throws", "list", () => ({ eventTypes: throwing([1], "get") })],
  ["an event type with half a pair", "list", () => ({ eventTypes: ["\ud800"] })],
  ["a scope with half a pair", "list", () => ({ scopeId: "\udfff" })],
  ["a limit of NaN", "list", () => ({ limit: NaN })],
  ["a limit of 2^53", "list", () => ({ limit: 2 ** 53 })],
  ["a limit that is a bigint", "list", () => ({ limit: 1n })],
  ["a limit that only says it is a number", "list", () => ({ limit: { valueOf: () => 1 } })],
  ["a cursor from nowhere", "list", () => ({ cursor: "x".repeat(100_000) })],
  ["a cursor that is half a pair", "list", () => ({ cursor: "\ud800" })],
  ["limits that are text", "new DagStore", () => ({ limits: "none" })],
  ["a limit that is a getter", "new DagStore", () => ({ limits: getter("parents") })],
  ["a limit that is endless", "new DagStore", () => ({ limits: { parents: Infinity } })],
  ["limits that are a revoked proxy", "new DagStore", () => ({ limits: revoked({}) })],
];

const signal = (rest) => ({ aborted: false, addEventListener() {}, removeEventListener() {}, ...rest });
const throws = () => {
  throw new Error("a signal");
};

/** A signal that is aborted for this reason, where the runtime does not mind it. */
function abortedFor(reason) {
  try {
    return AbortSignal.abort(reason);
  } catch (error) {
    throw new NotHere(`the runtime looks at the reason itself: ${error.message}`);
  }
}

/** What a signal or a listener may be, and what the call comes to. */
const FOLLOWED = [
  ["a signal of null", () => ({ signal: null }), "ERR_INVALID_ARGUMENT"],
  ["a signal that is a number", () => ({ signal: 5 }), "ERR_INVALID_ARGUMENT"],
  ["a signal that is a function", () => ({ signal: () => true }), "ERR_INVALID_ARGUMENT"],
  ["a signal that is a controller", () => ({ signal: new AbortController() }), "ERR_INVALID_ARGUMENT"],
  ["a signal without listeners", () => ({ signal: { aborted: false } }), "ERR_INVALID_ARGUMENT"],
  ["a signal that is a revoked proxy", () => ({ signal: revoked({}) }), "ERR_INVALID_ARGUMENT"],
  ["a signal that is a proxy that throws", () => ({ signal: throwing(new AbortController().signal, "get") }), "ERR_INVALID_ARGUMENT"],
  ["a signal by a getter", () => getter("signal"), "ERR_INVALID_ARGUMENT"],
  ["a signal that can't be listened to", () => ({ signal: signal({ addEventListener: throws }) }), "ERR_INVALID_ARGUMENT"],
  ["a signal that is aborted", () => ({ signal: AbortSignal.abort() }), "ERR_ABORTED"],
  ["a signal that is aborted, for no reason", () => ({ signal: signal({ aborted: true }) }), "ERR_ABORTED"],
  ["a signal that is aborted for a reason that can't be looked at", () => ({ signal: abortedFor(revoked({})) }), "ERR_ABORTED"],
  ["a signal that is aborted while it is listened to", () => ({ signal: signal({ addEventListener: (_, listener) => listener() }) }), "ERR_ABORTED"],
  ["a listener of null", () => ({ onProgress: null }), "ERR_INVALID_ARGUMENT"],
  ["a listener that is an object", () => ({ onProgress: { handleEvent() {} } }), "ERR_INVALID_ARGUMENT"],
  ["a listener by a getter", () => getter("onProgress"), "ERR_INVALID_ARGUMENT"],
  ["a listener that throws", () => ({ onProgress: throws }), "ERR_ABORTED"],
  ["a listener that throws undefined", () => ({ onProgress() { throw undefined; } }), "ERR_ABORTED"],
  ["a listener that throws what can't be looked at", () => ({ onProgress() { throw revoked({}); } }), "ERR_ABORTED"],
  ["a listener that is a revoked proxy", () => ({ onProgress: revoked(() => {}) }), "ERR_ABORTED"],
  ["a listener that is a class", () => ({ onProgress: class {} }), "ERR_ABORTED"],
];

/** The calls that can be followed, on a store that has something in it. */
const LONG_CALLS = {
  insertMany: (store, options) => store.insertMany([node(1), node(2)], options),
  "batch.insertMany": async (store, options) => {
    const batch = await store.beginBatch();
    try {
      return await batch.insertMany([node(1), node(2)], options);
    } finally {
      equal((await batch.commit()).inserted, [], "nothing was staged");
    }
  },
  commit: async (store, options) => {
    const batch = await store.beginBatch();
    await batch.insertMany([node(1), node(2)]);
    return batch.commit(options);
  },
  verify: (store, options) => store.verify(options),
  "list.toArray": (store, options) => store.list(options).toArray(),
};

/** These tell of short work when it is done, and what is done stays done. */
const TELL_AT_THE_END = ["commit", "verify"];

const iterable = (next, rest = {}) => ({ [Symbol.iterator]: () => ({ next, ...rest }) });

/** Iterables: what makes one from a good member. */
const ITERABLES = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["a number", () => 5],
  ["text", () => "text"],
  ["a symbol", () => Symbol("s")],
  ["a plain object", () => ({})],
  ["a function", () => () => []],
  ["a Promise of a list", (member) => Promise.resolve([member])],
  ["an iterator that is not iterable", () => ({ next: () => ({ done: true }) })],
  ["a symbol that is no function", () => ({ [Symbol.iterator]: 1 })],
  ["a getter for the symbol that throws", () => throwingGetter(Symbol.iterator)],
  ["an iterator that can't be made", () => ({ [Symbol.iterator]() { throw new Error("an iterator"); } })],
  ["an iterator that is undefined", () => ({ [Symbol.iterator]: () => undefined })],
  ["an iterator without next", () => ({ [Symbol.iterator]: () => ({}) })],
  ["a next that throws", () => iterable(() => { throw new Error("an iterator"); })],
  ["a next that throws undefined", () => iterable(() => { throw undefined; })],
  ["a next that throws what can't be looked at", () => iterable(() => { throw revoked({}); })],
  ["a next that gives nothing", () => iterable(() => undefined)],
  ["a next that gives a number", () => iterable(() => 5)],
  ["a next whose done throws", () => iterable(() => throwingGetter("done"))],
  ["a next whose value throws", () => iterable(() => throwingGetter("value", { done: false }))],
  ["a next that fails late", (member) => {
    let count = 0;
    return iterable(() => {
      if (count++ === 3) throw new Error("an iterator");
      return { done: false, value: member };
    });
  }],
  ["a return that throws too", () => iterable(() => ({ done: false, value: Symbol("no member") }), { return() { throw new Error("a return"); } })],
  ["a return that is no function", () => iterable(() => ({ done: false, value: Symbol("no member") }), { return: 5 })],
  ["a member that is a symbol", (member) => [member, Symbol("s")]],
  ["a member that is undefined", (member) => [member, undefined]],
  ["a hole", (member) => [member, ,]],
  ["a member that is a revoked proxy", (member) => [member, revoked({})]],
  ["a member that is a Promise", (member) => [Promise.resolve(member)]],
  ["a getter among the members that throws", (member) => throwingGetter(1, [member])],
  ["a revoked proxy", () => revoked([])],
  ["a list's proxy that throws", (member) => throwing([member], "get")],
  ["a generator that throws", (member) => (function* () {
    yield member;
    throw new Error("a generator");
  })()],
];

const later = (next, rest = {}) => ({ [Symbol.asyncIterator]: () => ({ next, ...rest }) });

/** What is to be waited for, made from a good node. */
const ASYNC_ITERABLES = [
  ["a symbol that is no function", () => ({ [Symbol.asyncIterator]: 1 })],
  ["a getter for the symbol that throws", () => throwingGetter(Symbol.asyncIterator)],
  ["an iterator that can't be made", () => ({ [Symbol.asyncIterator]() { throw new Error("an iterator"); } })],
  ["an iterator that is undefined", () => ({ [Symbol.asyncIterator]: () => undefined })],
  ["an iterator that is promised", () => ({ [Symbol.asyncIterator]: async () => ({ next: async () => ({ done: true }) }) })],
  ["an iterator without next", () => ({ [Symbol.asyncIterator]: () => ({}) })],
  ["a next that throws", () => later(() => { throw new Error("an iterator"); })],
  ["a next that is rejected", () => later(async () => { throw new Error("an iterator"); })],
  ["a next that is rejected with undefined", () => later(() => Promise.reject())],
  ["a next that is rejected with what can't be looked at", () => later(() => Promise.reject(revoked({})))],
  ["a next that gives nothing", () => later(() => undefined)],
  ["a next that gives a number", () => later(async () => 5)],
  ["a next that gives a revoked proxy", () => later(() => revoked({}))],
  ["a thenable whose then throws", () => later(() => throwingGetter("then"))],
  ["a thenable that throws", () => later(() => ({ then() { throw new Error("a thenable"); } }))],
  ["a thenable that fails after it has settled", () => later(() => ({ then(resolve) { resolve({ done: false, value: 5 }); throw new Error("a thenable"); } }))],
  ["a thenable that settles twice", () => later(() => ({ then(resolve, reject) { resolve({ done: false, value: 5 }); reject(new Error("a thenable")); } }))],
  ["a next whose done throws", () => later(async () => throwingGetter("done"))],
  ["a next whose value throws", () => later(async () => throwingGetter("value", { done: false }))],
  ["a value that is promised", (member) => later(async () => ({ done: false, value: Promise.resolve(member) }))],
  ["a return that throws too", () => later(async () => ({ done: false, value: 5 }), { return() { throw new Error("a return"); } })],
  ["a return that is rejected too", () => later(async () => ({ done: false, value: 5 }), { return: () => Promise.reject(new Error("a return")) })],
  ["a return that is never settled", () => later(async () => ({ done: false, value: 5 }), { return: () => new Promise(() => {}) })],
  ["a return that is no function", () => later(async () => ({ done: false, value: 5 }), { return: 5 })],
  ["a generator that throws late", (member) => (async function* () {
    yield member;
    yield { ...member, timestamp: 2 };
    throw new Error("a generator");
  })()],
  ["a generator of what is no node", (member) => (async function* () {
    yield member;
    yield Symbol("no node");
  })()],
  ["a revoked proxy among nodes", (member) => (async function* () {
    yield member;
    yield revoked({});
  })()],
];

/** The calls that take many: a good member, and how they are made. */
const TAKERS = {
  insertMany: [node(1), (store, batch, many) => store.insertMany(many)],
  "batch.insertMany": [node(1), (store, batch, many) => batch.insertMany(many)],
  getMany: [good, (store, batch, many) => store.getMany(many)],
  removeMany: [good, (store, batch, many) => batch.removeMany(many)],
};

const bytesOf = ({ Link }) => Link.parse(good).bytes.slice();

/** What is no link, and what makes it. */
const LINKS = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["a number", () => 5],
  ["text", () => good],
  ["a list of numbers", (api) => [...bytesOf(api)]],
  ["an ArrayBuffer", (api) => bytesOf(api).buffer],
  ["no bytes", () => new Uint8Array()],
  ["detached bytes", (api) => detached(bytesOf(api))],
  ["bytes out of bounds", () => outOfBounds(Uint8Array)],
  ["a proxy of bytes", (api) => new Proxy(bytesOf(api), {})],
  ["a revoked proxy", () => revoked(new Uint8Array(36))],
  ["truncated bytes", (api) => bytesOf(api).subarray(0, 35)],
  ["a byte too many", (api) => Uint8Array.of(...bytesOf(api), 0)],
  ["version 0 in the form of version 1", (api) => Uint8Array.of(0, ...bytesOf(api).subarray(1))],
  ["version 2", (api) => Uint8Array.of(2, ...bytesOf(api).subarray(1))],
  ["a varint that is longer than it need be", (api) => Uint8Array.of(0x81, 0, ...bytesOf(api).subarray(1))],
  ["a varint without end", () => new Uint8Array(36).fill(0x80)],
  ["a digest that is longer than there are bytes", (api) => bytesOf(api).fill(0x40, 3, 4)],
  ["a digest of 65 bytes", () => Uint8Array.of(1, 0x55, 0x12, 65, ...new Array(65).fill(0))],
  ["a CIDv0 of another hash", () => Uint8Array.of(0x11, 0x20, ...new Array(32).fill(0))],
  ["a megabyte", () => new Uint8Array(1 << 20)],
];

/** What looks like a link in content, and isn't: what it comes to. */
const FORGED = [
  ["a link whose bytes were changed", ({ Link }) => {
    const link = Link.parse(good);
    link.bytes.fill(0xff);
    return link;
  }],
  ["a link whose bytes are gone", ({ Link }) => {
    const link = new Link(Link.parse(good).bytes.slice());
    detached(link.bytes);
    return link;
  }],
  ["a link whose mark is another's", ({ Link }) => Object.assign(Link.parse(good), { "/": new Uint8Array(36) })],
  ["a link with a getter for its bytes", ({ Link }) => getter("bytes", Link.parse(good))],
  ["a link with a getter for its mark", ({ Link }) => getter("/", Link.parse(good))],
  ["a link whose bytes are told by a getter", ({ Link }) => {
    const { bytes } = Link.parse(good);
    return { "/": bytes, get bytes() { return bytes; } };
  }],
  ["a link whose mark is told by a getter", ({ Link }) => {
    const { bytes } = Link.parse(good);
    return { bytes, get "/"() { return bytes; } };
  }],
  ["a link that is a revoked proxy", ({ Link }) => revoked(Link.parse(good))],
  ["a link's mark on nothing", () => {
    const bytes = new Uint8Array(0);
    return { "/": bytes, bytes };
  }],
  ["a link of 129 bytes", () => {
    const bytes = new Uint8Array(129).fill(1);
    return { "/": bytes, bytes };
  }],
  ["an instance that only says it is a link", ({ Link }) => Object.create(Link.prototype)],
];

export const args = [
  ...Object.entries(LONG_CALLS).flatMap(([call, make]) =>
    FOLLOWED.map(([name, options, code]) => [
      `${call} is followed: ${name}`,
      async ({ DagStore }) => {
        const store = new DagStore();
        await store.insert(node(0));
        const stateHash = await store.stateHash();
        if (TELL_AT_THE_END.includes(call) && typeof options().onProgress === "function") {
          await make(store, options());
          return roundTrip(store);
        }
        for (let round = 0; round < 2; round++) {
          const error = await rejects(() => make(store, options()), code);
          ok(code !== "ERR_ABORTED" || Object.hasOwn(error, "cause"));
          equal(await store.stateHash(), stateHash);
        }
        await roundTrip(store);
      },
    ])),
  ...Object.entries(CALLS).flatMap(([call, [key, make]]) =>
    OPTIONS.map(([name, options]) => [
      `options of ${call}: ${name}`,
      async (api) => {
        const store = new api.DagStore();
        for (let round = 0; round < 2; round++) {
          await rejects(() => make(store, options(key), api), "ERR_INVALID_ARGUMENT");
          equal(await store.size(), 0);
        }
        await roundTrip(store);
      },
    ])),
  ...VALUES.map(([name, call, options, code = "ERR_INVALID_ARGUMENT"]) => [
    `option: ${name}`,
    async (api) => {
      const store = new api.DagStore();
      for (let round = 0; round < 2; round++) {
        await rejects(() => CALLS[call][1](store, options(), api), code);
        equal(await store.size(), 0);
      }
      await roundTrip(store);
    },
  ]),
  ...Object.entries(TAKERS).flatMap(([call, [member, make]]) =>
    ITERABLES.map(([name, many]) => [
      `what ${call} takes: ${name}`,
      async ({ DagStore }) => {
        const store = new DagStore();
        const batch = await store.beginBatch();
        for (let round = 0; round < 2; round++) {
          const outcome = await make(store, batch, many(member)).then(() => "fulfilled", (error) => error);
          ok(outcome.name === "DagStoreError" && /^ERR_INVALID_(ARGUMENT|NODE|CID)$/.test(outcome.code), String(outcome.stack ?? outcome));
        }
        equal((await batch.commit()).inserted, [], "nothing was staged");
        equal(await store.size(), 0);
        await roundTrip(store);
      },
    ])),
  ...["insertMany", "batch.insertMany"].flatMap((call) =>
    ASYNC_ITERABLES.map(([name, many]) => [
      `what ${call} waits for: ${name}`,
      async ({ DagStore }) => {
        const [member, make] = TAKERS[call];
        const store = new DagStore();
        const batch = await store.beginBatch();
        for (let round = 0; round < 2; round++) {
          const outcome = await make(store, batch, many(member)).then(() => "fulfilled", (error) => error);
          ok(outcome.name === "DagStoreError" && /^ERR_(INVALID_(ARGUMENT|NODE)|STORAGE)$/.test(outcome.code), String(outcome.stack ?? outcome));
        }
        equal((await batch.commit()).inserted, [], "nothing was staged");
        equal(await store.size(), 0);
        await roundTrip(store);
      },
    ])),
  [
    "what is never given can be given up, and does not keep the store from closing",
    async ({ DagStore }) => {
      for (const many of [later(() => new Promise(() => {})), later(() => ({ then() {} }))]) {
        const store = new DagStore();
        const controller = new AbortController();
        const waiting = store.insertMany(many, { signal: controller.signal });
        await roundTrip(store);
        controller.abort("enough");
        equal((await rejects(waiting, "ERR_ABORTED")).cause, "enough");
        await roundTrip(store);
        const closing = store.insertMany(many);
        await store.close();
        await rejects(closing, "ERR_CLOSED");
      }
    },
  ],
  ...LINKS.map(([name, make]) => [
    `no link: ${name}`,
    async (api) => {
      await rejects(() => new api.Link(make(api)), "ERR_INVALID_CID");
      await roundTrip(new api.DagStore());
    },
  ]),
  ...FORGED.map(([name, make]) => [
    `no link in content: ${name}`,
    async (api) => {
      const store = new api.DagStore();
      for (let round = 0; round < 2; round++) {
        await rejects(store.insert(node(1, { content: [make(api)] })), "ERR_INVALID_NODE");
      }
      await roundTrip(store);
    },
  ]),
  [
    "an iterable is asked once, read once, and told where it ends early",
    async ({ DagStore }) => {
      const store = new DagStore();
      const seen = [];
      const many = (members) => ({
        [Symbol.iterator]() {
          seen.push("begin");
          let at = 0;
          return {
            next: () => (seen.push("next"), at < members.length ? { done: false, value: members[at++] } : { done: true }),
            return: () => (seen.push("return"), {}),
          };
        },
      });
      await store.insertMany(many([node(1)]));
      equal(seen.splice(0), ["begin", "next", "next"]);
      await rejects(store.insertMany(many([node(1), {}, node(2)])), "ERR_INVALID_NODE");
      equal(seen.splice(0), ["begin", "next", "next", "return"]);
      await rejects(store.getMany(many(["x", good])), "ERR_INVALID_CID");
      equal(seen.splice(0), ["begin", "next", "return"]);
    },
  ],
  [
    "what an iterator says to its early end changes nothing",
    async ({ DagStore }) => {
      const store = new DagStore();
      const next = () => ({ done: false, value: { content: 1 } });
      const says = [() => { throw new Error("a return"); }, () => Promise.reject(new Error("a return")), () => throwingGetter("then"), 5];
      for (const end of says) {
        for (const make of [iterable, later]) await rejects(store.insertMany(make(next, { return: end })), "ERR_INVALID_NODE");
      }
      await roundTrip(store);
    },
  ],
  [
    "an iterator that uses the store, and its batch, while they read it",
    async ({ DagStore }) => {
      const store = new DagStore();
      const batch = await store.beginBatch();
      const inner = [];
      const nodes = function* (from) {
        for (let i = from; i < from + 5; i++) {
          inner.push(store.insert(node(100 + i)), batch.insert(node(200 + i)), store.insertMany([node(300 + i)]), store.size());
          yield node(i);
        }
      };
      equal((await store.insertMany(nodes(0))).inserted.length, 5);
      equal((await batch.insertMany(nodes(5))).length, 5);
      await Promise.all(inner);
      equal((await batch.commit()).inserted.length, 15);
      equal(await store.size(), 5 + 10 + 15 + 10);
    },
  ],
];
