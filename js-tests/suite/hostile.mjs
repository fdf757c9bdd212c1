/** Values that mean harm, or mean nothing: each gives its error, and a healthy store after it. */
import { equal, node, ok, rejects } from "./expect.mjs";

const nested = (depth, wrap) => {
  let value = 1;
  for (let i = 0; i < depth; i++) value = wrap(value);
  return value;
};
const cyclicList = () => {
  const list = [];
  list.push(list);
  return list;
};
const cyclicMap = () => {
  const map = { a: { b: [] } };
  map.a.b.push(map);
  return map;
};
const cyclicMapObject = () => {
  const map = new Map();
  map.set("self", map);
  return map;
};
const revoked = (target) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
const throwing = (target, ...traps) => {
  const handler = {};
  for (const trap of traps) {
    handler[trap] = () => {
      throw new Error("a trap");
    };
  }
  return new Proxy(target, handler);
};
const throwingUnspeakable = () =>
  new Proxy({}, {
    ownKeys() {
      throw revoked({});
    },
  });
const detached = (value) => {
  structuredClone(value.buffer ?? value, { transfer: [value.buffer ?? value] });
  return value;
};
const outOfBounds = () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
  const view = new Uint8Array(buffer, 4, 4);
  buffer.resize(2);
  return view;
};
const getter = (key = "a") => Object.defineProperty({}, key, { get: () => 1, enumerable: true });
const manyHeads = "x".repeat(1 << 20);

/** Name, what makes the value, and the code. */
const CONTENT = [
  ["undefined", () => undefined],
  ["a function", () => () => 1],
  ["an async function", () => async () => 1],
  ["a class", () => class {}],
  ["a symbol", () => Symbol("s")],
  ["a well-known symbol", () => Symbol.iterator],
  ["NaN", () => NaN],
  ["Infinity", () => Infinity],
  ["-Infinity", () => -Infinity],
  ["2^64", () => 2n ** 64n],
  ["-2^64 - 1", () => -(2n ** 64n) - 1n],
  ["an enormous bigint", () => 1n << 100_000n],
  ["a Date", () => new Date(0)],
  ["an invalid Date", () => new Date(NaN)],
  ["a RegExp", () => /x/],
  ["an Error", () => new Error("e")],
  ["a Set", () => new Set([1])],
  ["a WeakMap", () => new WeakMap()],
  ["a WeakRef", () => new WeakRef({})],
  ["a Promise", () => Promise.resolve(1)],
  ["a thenable", () => ({ then() {} })],
  ["a boxed number", () => Object(1)],
  ["a boxed string", () => Object("s")],
  ["a boxed boolean", () => Object(true)],
  ["a boxed bigint", () => Object(1n)],
  ["a boxed symbol", () => Object(Symbol("s"))],
  ["an instance of a class", () => new (class Point { x = 1; })()],
  ["an instance of a class without a name", () => new (class { x = 1; })()],
  ["an instance whose constructor lies", () => Object.create({ constructor: { name: 1 } })],
  ["an object that inherits from a plain one", () => Object.create(Object.create({ a: 1 }))],
  ["arguments of a function", () => (function () { return Object.create(arguments); })(1)],
  ["an iterator", () => [1][Symbol.iterator]()],
  ["a generator", () => (function* () {})()],
  ["a global object's like", () => Object.create(globalThis)],
  ["a subclass of Map with a key that is no string", () => new (class extends Map {})([[1, 1]])],
  ["a Map with numbers for keys", () => new Map([[1, 2]])],
  ["a Map with objects for keys", () => new Map([[{}, 2]])],
  ["a Map with undefined in it", () => new Map([["a", undefined]])],
  ["a Map that holds itself", cyclicMapObject, "ERR_LIMIT"],
  ["a list that holds itself", cyclicList, "ERR_LIMIT"],
  ["a map that holds itself", cyclicMap, "ERR_LIMIT"],
  ["128 lists in one another", () => nested(128, (value) => [value]), "ERR_LIMIT"],
  ["128 maps in one another", () => nested(128, (value) => ({ a: value })), "ERR_LIMIT"],
  ["100,000 lists in one another", () => nested(100_000, (value) => [value]), "ERR_LIMIT"],
  ["100,000 maps in one another", () => nested(100_000, (value) => ({ a: value })), "ERR_LIMIT"],
  ["100,000 Maps in one another", () => nested(100_000, (value) => new Map([["a", value]])), "ERR_LIMIT"],
  ["lists that share all they hold, 2^100 of them", () => nested(100, (value) => [value, value]), "ERR_LIMIT"],
  ["maps that share all they hold, 2^100 of them", () => nested(100, (value) => ({ a: value, b: value })), "ERR_LIMIT"],
  ["a hole", () => [, 1]],
  ["a list of nothing but holes", () => new Array(10)],
  ["a sparse list of 2^32 - 1", () => new Array(2 ** 32 - 1), "ERR_LIMIT"],
  ["a list with undefined at its end", () => [1, 2, undefined]],
  ["undefined in a map", () => ({ a: undefined })],
  ["a function deep in a map", () => ({ a: [{ b: () => 1 }] })],
  ["a symbol for a key", () => ({ [Symbol("s")]: 1 })],
  ["a symbol for a key beside others", () => ({ a: 1, [Symbol.iterator]: 1 })],
  ["a getter", () => getter()],
  ["a getter called __proto__", () => getter("__proto__")],
  ["a setter", () => Object.defineProperty({}, "a", { set() {}, enumerable: true })],
  ["a getter that throws", () => ({ get a() { throw new Error("a getter"); } })],
  ["a getter deep in a list", () => [[{ b: getter() }]]],
  ["a getter in a list that throws", () => Object.defineProperty([1], 0, { get() { throw new Error("a getter"); } })],
  ["the upper half of a surrogate pair", () => "\ud800"],
  ["the lower half", () => "\udc00"],
  ["halves the wrong way round", () => "\udc00\ud800"],
  ["half a pair at the end of long text", () => `${"x".repeat(100)}\ud83d`],
  ["half a pair in a key", () => ({ "\ud800": 1 })],
  ["half a pair in a long key", () => ({ [`${"k".repeat(100)}\udfff`]: 1 })],
  ["a revoked proxy of a map", () => revoked({})],
  ["a revoked proxy of a list", () => revoked([])],
  ["a revoked proxy of a function", () => revoked(() => {})],
  ["a revoked proxy deep in a list", () => [1, [revoked({})]]],
  ...["getPrototypeOf", "ownKeys", "getOwnPropertyDescriptor"].map((trap) => [
    `a proxy whose ${trap} throws`,
    () => throwing({ a: 1 }, trap),
  ]),
  ["a list's proxy whose get throws", () => throwing([1], "get")],
  ["a proxy that throws what can't be looked at", throwingUnspeakable],
  ["a proxy that throws undefined", () => new Proxy({}, { ownKeys() { throw undefined; } })],
  ["a proxy whose keys repeat", () => new Proxy({}, { ownKeys: () => ["a", "a"] })],
  ["a list's proxy of length NaN", () => new Proxy([], { get: (list, key) => (key === "length" ? NaN : list[key]) })],
  ["a list's proxy of length -1", () => new Proxy([], { get: (list, key) => (key === "length" ? -1 : list[key]) })],
  ["a list's proxy of length 0.5", () => new Proxy([], { get: (list, key) => (key === "length" ? 0.5 : list[key]) })],
  ["a list's proxy that never ends", () => new Proxy([], { get: (_, key) => (key === "length" ? 2 ** 53 - 1 : 1) }), "ERR_LIMIT"],
  ["a map's proxy that deepens for ever", () => {
    const handler = {
      ownKeys: () => ["a"],
      getOwnPropertyDescriptor: () => ({ value: new Proxy({}, handler), enumerable: true, configurable: true }),
    };
    return new Proxy({}, handler);
  }, "ERR_LIMIT"],
  ["a detached buffer", () => detached(new ArrayBuffer(8))],
  ["a view of a detached buffer", () => detached(new Uint8Array(8))],
  ["an empty view of a detached buffer", () => detached(new Uint8Array(0))],
  ["a DataView of a detached buffer", () => detached(new DataView(new ArrayBuffer(8)))],
  ...(typeof SharedArrayBuffer === "undefined"
    ? []
    : [
        ["a SharedArrayBuffer", () => new SharedArrayBuffer(8)],
        ["a view of shared memory", () => new Uint8Array(new SharedArrayBuffer(8))],
        ["a DataView of shared memory", () => new DataView(new SharedArrayBuffer(8))],
      ]),
  ...(ArrayBuffer.prototype.resize ? [["a view that its buffer has shrunk below", outOfBounds]] : []),
  ["a string over the limit", () => manyHeads, "ERR_LIMIT"],
  ["three-byte text over the limit", () => "€".repeat(350_000), "ERR_LIMIT"],
  ["bytes over the limit", () => new Uint8Array(1 << 20), "ERR_LIMIT"],
  ["bytes far over the limit", () => new Uint8Array(64 << 20), "ERR_LIMIT"],
  ["a list over the limit", () => new Array(1_100_000).fill(0), "ERR_LIMIT"],
  ["many strings over the limit", () => new Array(2000).fill("x".repeat(1000)), "ERR_LIMIT"],
  ["a key over the limit", () => ({ [manyHeads]: 1 }), "ERR_LIMIT"],
];

const long = "x".repeat(256);
const parent = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";

/** Name, what makes the node, and the code. */
const NODES = [
  ["nothing", () => undefined],
  ["null", () => null],
  ["a number", () => 1],
  ["a string", () => "node"],
  ["a function", () => () => ({})],
  ["a list", () => [node(1)]],
  ["an empty object", () => ({})],
  ["an instance of a class", () => Object.assign(new (class Vote {})(), node(1))],
  ["a node that inherits its fields", () => Object.create(node(1))],
  ["a Map", () => new Map(Object.entries(node(1)))],
  ["a proxy that throws", () => throwing(node(1), "ownKeys")],
  ["a revoked proxy", () => revoked(node(1))],
  ["a Promise of a node", () => Promise.resolve(node(1))],
  ["a key too many", () => node(1, { author: "me" })],
  ["a key that is not quite right", () => node(1, { scope_id: "s" })],
  ["`__proto__` for a key", () => JSON.parse('{ "content": 1, "eventType": "vote", "scopeId": "s", "__proto__": 1 }')],
  ["a getter for content", () => Object.defineProperty(node(1), "content", { get: () => 1, enumerable: true })],
  ["a getter for parents", () => Object.defineProperty(node(1), "parents", { get: () => [], enumerable: true })],
  ["no content", () => ({ eventType: "vote", scopeId: "s" })],
  ["no event type", () => node(1, { eventType: undefined })],
  ["an event type of null", () => node(1, { eventType: null })],
  ["an event type that is a number", () => node(1, { eventType: 1 })],
  ["an event type that is empty", () => node(1, { eventType: "" })],
  ["an event type of 256 bytes", () => node(1, { eventType: long })],
  ["an event type of 258 bytes in 86 characters", () => node(1, { eventType: "€".repeat(86) })],
  ["half a pair in the event type", () => node(1, { eventType: "\ud800" })],
  ["no scope", () => node(1, { scopeId: undefined })],
  ["a scope that is a number", () => node(1, { scopeId: 1 })],
  ["a scope that is empty", () => node(1, { scopeId: "" })],
  ["a scope of 256 bytes", () => node(1, { scopeId: long })],
  ["half a pair in the scope", () => node(1, { scopeId: "a\udfff" })],
  ["a scope that is a boxed string", () => node(1, { scopeId: Object("s") })],
  ["a timestamp of -1", () => node(1, { timestamp: -1 })],
  ["a timestamp of 1.5", () => node(1, { timestamp: 1.5 })],
  ["a timestamp of NaN", () => node(1, { timestamp: NaN })],
  ["a timestamp of 2^53", () => node(1, { timestamp: 2 ** 53 })],
  ["a timestamp that is a bigint", () => node(1, { timestamp: 1n })],
  ["a timestamp that is text", () => node(1, { timestamp: "1" })],
  ["a timestamp that is a Date", () => node(1, { timestamp: new Date() })],
  ["a timestamp of null", () => node(1, { timestamp: null })],
  ["parents that are text", () => node(1, { parents: parent })],
  ["parents that are null", () => node(1, { parents: null })],
  ["parents that are a Set", () => node(1, { parents: new Set() })],
  ["parents that are an iterator", () => node(1, { parents: [][Symbol.iterator]() })],
  ["a parent that is undefined", () => node(1, { parents: [undefined] }), "ERR_INVALID_CID"],
  ["a parent that is a hole", () => node(1, { parents: [,] }), "ERR_INVALID_CID"],
  ["a parent that is no CID", () => node(1, { parents: ["parent"] }), "ERR_INVALID_CID"],
  ["a parent twice", () => node(1, { parents: [parent, parent] })],
  ["a parent that is a proxy", () => node(1, { parents: [revoked({})] }), "ERR_INVALID_CID"],
  ["1,025 parents", () => node(1, { parents: Array.from({ length: 1025 }, (_, i) => forged(i)) }), "ERR_LIMIT"],
  ["parents without end", () => node(1, { parents: new Array(2 ** 32 - 1) }), "ERR_LIMIT"],
  ["a nonce that is empty", () => node(1, { nonce: new Uint8Array() })],
  ["a nonce of 65 bytes", () => node(1, { nonce: new Uint8Array(65) })],
  ["a nonce that is text", () => node(1, { nonce: "nonce" })],
  ["a nonce that is null", () => node(1, { nonce: null })],
  ["a nonce that is detached", () => node(1, { nonce: detached(new Uint8Array(8)) })],
  ["the CID of another node", () => node(1, { cid: parent }), "ERR_INVALID_CID"],
  ["a CID that is none", () => node(1, { cid: "cid" }), "ERR_INVALID_CID"],
  ["a CID that is null", () => node(1, { cid: null }), "ERR_INVALID_CID"],
];

/** The bytes of a node's CID, with this number in the digest. */
function forged(i) {
  const bytes = new Uint8Array(36);
  bytes.set([1, 0x71, 0x12, 0x20]);
  new DataView(bytes.buffer).setUint32(32, i);
  return bytes;
}

/** Name, what makes the block, and the code. */
const BLOCKS = [
  ["no bytes", () => new Uint8Array(), "ERR_INVALID_NODE"],
  ["an empty map", () => Uint8Array.of(0xa0), "ERR_INVALID_NODE"],
  ["a claim of 2^64 - 1 items", () => Uint8Array.of(0x9b, ...new Array(8).fill(255)), "ERR_INVALID_NODE"],
  ["zeros", () => new Uint8Array(1000), "ERR_INVALID_NODE"],
  ["a block of a later format", () => Uint8Array.of(0xa1, 0x61, 0x76, 0x02), "ERR_UNSUPPORTED_VERSION"],
  ["a block over the limit", () => new Uint8Array((1 << 20) + 1), "ERR_LIMIT"],
  ["lists without end", () => new Uint8Array(100_000).fill(0x81), "ERR_INVALID_NODE"],
  ["text", () => "block", "ERR_INVALID_ARGUMENT"],
  ["a list of numbers", () => [0xa0], "ERR_INVALID_ARGUMENT"],
  ["null", () => null, "ERR_INVALID_ARGUMENT"],
  ["a detached buffer", () => detached(new Uint8Array(8)), "ERR_INVALID_ARGUMENT"],
  ["a revoked proxy", () => revoked({}), "ERR_INVALID_ARGUMENT"],
];

async function isHealthy(store) {
  const good = node(7, { content: { text: "ok", list: [1, 2n ** 60n, null] } });
  const id = await store.insert(good);
  equal((await store.get(id)).content, good.content);
  equal(await store.remove(id), true);
  equal(await store.size(), 0);
}

const cases = (what, table, usual, insert) =>
  table.map(([name, make, code = usual]) => [
    `${what}: ${name}`,
    async ({ DagStore }) => {
      const store = new DagStore();
      // Before the wasm is loaded, and after; and in a batch.
      await rejects(insert(store, make()), code);
      await isHealthy(store);
      await rejects(insert(store, make()), code);
      const batch = await store.beginBatch();
      await rejects(insert(batch, make()), code);
      equal((await batch.commit()).inserted, []);
      await isHealthy(store);
    },
  ]);

export const hostile = [
  ...cases("refused content", CONTENT, "ERR_INVALID_NODE", (target, content) => target.insert(node(1, { content }))),
  ...cases("refused node", NODES, "ERR_INVALID_NODE", (target, value) => target.insert(value)),
  ...cases("refused node among many", NODES, "ERR_INVALID_NODE", (target, value) => target.insertMany([node(5), value])),
  ...cases("refused block", BLOCKS, "ERR_INVALID_NODE", (target, block) => target.insertBlock(block)),
  [
    "errors say where in the content the trouble is",
    async ({ DagStore }) => {
      const store = new DagStore();
      const content = { list: [1, { "a b": [undefined] }] };
      const error = await rejects(store.insert(node(1, { content })), "ERR_INVALID_NODE");
      ok(error.message.startsWith('content.list[1]["a b"][0] '), error.message);
      const many = await rejects(store.insertMany([node(1), node(2, { content })]), "ERR_INVALID_NODE");
      ok(many.message.startsWith('[1].content.list[1]["a b"][0] '), many.message);
    },
  ],
  [
    "what a proxy throws is the cause",
    async ({ DagStore }) => {
      const error = await rejects(new DagStore().insert(node(1, { content: throwing({}, "ownKeys") })), "ERR_INVALID_NODE");
      equal(error.cause.message, "a trap");
    },
  ],
  [
    "20,000 values that throw leave no trace",
    async ({ DagStore }) => {
      const store = new DagStore();
      await isHealthy(store);
      const content = { a: throwing({}, "ownKeys") };
      for (let i = 0; i < 20_000; i++) {
        try {
          await store.insert(node(1, { content }));
          throw new Error("accepted");
        } catch (error) {
          if (error.code !== "ERR_INVALID_NODE") throw error;
        }
      }
      await isHealthy(store);
    },
  ],
  [
    "a buffer may change right after the call",
    async ({ DagStore }) => {
      const store = new DagStore();
      const content = new Uint8Array([1, 2, 3]);
      const list = [1];
      const nonce = new Uint8Array([1]);
      const first = store.insert(node(1, { content: { content, list }, nonce }));
      content.fill(9);
      list.push(2);
      nonce.fill(9);
      equal((await store.get(await first)).content, { content: new Uint8Array([1, 2, 3]), list: [1] });
      const second = store.insert(node(2, { content, nonce }));
      content.fill(8);
      equal((await store.get(await second)).content, new Uint8Array([9, 9, 9]));
      const block = await store.getBlock(await second);
      const other = new DagStore();
      const third = other.insertBlock(block);
      block.fill(0);
      equal(await third, await second);
    },
  ],
  [
    "a proxy that calls the store while it is read",
    async ({ DagStore }) => {
      const store = new DagStore();
      await store.insert(node(0));
      const inner = [];
      const content = new Proxy({ a: 1 }, {
        ownKeys(target) {
          inner.push(store.insert(node(100 + inner.length, { content: { long: "y".repeat(5000) } })));
          return Reflect.ownKeys(target);
        },
      });
      const id = await store.insert(node(1, { content: [content, "x".repeat(300), content] }));
      equal((await store.get(id)).content, [{ a: 1 }, "x".repeat(300), { a: 1 }]);
      for (const other of inner) equal((await store.get(await other)).content.long.length, 5000);
      equal(await store.size(), 2 + inner.length);
    },
  ],
  [
    "an Object.prototype that somebody has polluted",
    async ({ DagStore }) => {
      const keys = ["timestamp", "parents", "limits", "cid", "nonce", "scopeId", "value", "stateHash", "conditions"];
      const set = [];
      try {
        for (const key of ["content", "code", "sequence", "odd"]) {
          const property = { configurable: true, get: () => undefined, set: (value) => set.push(value) };
          Object.defineProperty(Object.prototype, key, property);
        }
        for (const key of keys) {
          const property = { value: "polluted", configurable: true, writable: true };
          Object.defineProperty(Object.prototype, key, property);
        }
        const store = new DagStore();
        const id = await store.insert({ content: { odd: 1, code: 2 }, eventType: "vote", scopeId: "s", timestamp: 3 });
        const read = await store.get(id);
        equal(Object.keys(read), ["cid", "content", "eventType", "scopeId", "timestamp", "parents"]);
        equal([read.timestamp, read.parents, read.content.odd, Object.keys(read.content)], [3, [], 1, ["odd", "code"]]);
        equal(await store.size({}), 1);
        equal((await store.insertMany([], {})).sequence, 1);
        await rejects(store.insert({ content: 1, eventType: "vote" }), "ERR_INVALID_NODE");
        equal((await store.list({}).toArray()).length, 1);
        equal(set, []);
      } finally {
        for (const key of [...keys, "content", "code", "sequence", "odd"]) delete Object.prototype[key];
      }
    },
  ],
];
