/** Values that mean harm, or mean nothing: each gives its error, and a healthy store after it. */
import { equal, node, ok, rejects } from "./expect.mjs";
import {
  detached, getter, nested, outOfBounds, resizable, revoked, roundTrip, shared, throwing, throwingGetter, unspeakable,
} from "./strange.mjs";

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
const megabyte = "x".repeat(1 << 20);

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
  ["2^64 + 2^40, which in 64 bits would be 2^40", () => 2n ** 64n + 2n ** 40n],
  ["-2^64 - 2^40", () => -(2n ** 64n) - 2n ** 40n],
  ["an enormous bigint", () => 1n << 100_000n],
  ["a Date", () => new Date(0)],
  ["an invalid Date", () => new Date(NaN)],
  ["a RegExp", () => /x/],
  ["an Error", () => new Error("e")],
  ["a Set", () => new Set([1])],
  ["a WeakMap", () => new WeakMap()],
  ["a WeakSet", () => new WeakSet()],
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
  ["the arguments of a function", () => (function () { return arguments; })(1)],
  ["a class with private fields", () => new (class { #x = 1; get x() { return this.#x; } })()],
  ["an object whose prototype is a function", () => Object.setPrototypeOf({ a: 1 }, () => 1)],
  ["an object whose prototype is a proxy", () => Object.create(new Proxy({}, { getPrototypeOf: () => ({}) }))],
  ["an object whose prototype is a revoked proxy", () => Object.create(revoked({}))],
  ["a boxed list's like", () => ({ __proto__: Array.prototype, length: 1, 0: 1 })],
  ["a URL", () => new URL("https://example.org/")],
  ["an AbortSignal", () => new AbortController().signal],
  ["a TextEncoder", () => new TextEncoder()],
  ["a number format", () => new Intl.NumberFormat("en")],
  ["a Proxy of a Date", () => new Proxy(new Date(), {})],
  ["a Proxy of a Map", () => new Proxy(new Map(), {})],
  ["a Proxy of bytes", () => new Proxy(new Uint8Array(2), {})],
  ["a Proxy of a buffer", () => new Proxy(new ArrayBuffer(2), {})],
  ["Math", () => Math],
  ["JSON", () => JSON],
  ["globalThis", () => globalThis],
  ["a WebAssembly.Memory", () => new WebAssembly.Memory({ initial: 1 })],
  ["a thenable that settles", () => ({ then: (resolve) => resolve(1) })],
  ["a thenable by a getter", () => ({ get then() { return (resolve) => resolve(1); } })],
  ["a thenable that is a proxy", () => new Proxy({}, { ownKeys: () => ["then"], getOwnPropertyDescriptor: () => ({ value() {}, enumerable: true, configurable: true }) })],
  ["a thenable deep in a list", () => [[{ then() {} }]]],
  ["NaN deep in a map", () => ({ a: [NaN] })],
  ["2^64 deep in a list", () => [[2n ** 64n]]],
  ["a list with a hole at its end", () => [1, ,]],
  ["a sparse list", () => Object.assign([], { 5: 1 })],
  ["a list whose length was set", () => Object.assign([1], { length: 3 })],
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
  ["a getter in a list that throws", () => throwingGetter(0, [])],
  ["a getter in a list within a map that throws", () => ({ a: [1, throwingGetter(0, [])] })],
  ["a getter that throws undefined", () => [Object.defineProperty([], 0, { get() { throw undefined; } })]],
  ["a getter that throws null", () => [Object.defineProperty([], 0, { get() { throw null; } })]],
  ["a getter that throws what can't be looked at", () => [Object.defineProperty([], 0, { get() { throw revoked({}); } })]],
  ["a getter that throws a DagStoreError's like", () => [Object.defineProperty([], 0, { get() { throw { name: "DagStoreError", code: "ERR_LIMIT" }; } })]],
  ["a getter that recurses for ever", () => {
    const deep = () => deep() + 1;
    return Object.defineProperty([], 0, { get: deep });
  }],
  ["a getter that gives a getter", () => Object.defineProperty([], 0, { get: () => getter() })],
  ["a getter that gives a deeper one for ever", () => {
    const endless = () => Object.defineProperty([], 0, { get: endless, enumerable: true });
    return endless();
  }, "ERR_LIMIT"],
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
  ["a proxy that throws what can't be looked at", () => unspeakable()],
  ["a proxy that throws null", () => new Proxy({}, { ownKeys() { throw null; } })],
  ["a proxy that throws a symbol", () => new Proxy({}, { ownKeys() { throw Symbol("thrown"); } })],
  ["a proxy that recurses for ever", () => {
    const proxy = new Proxy({}, { ownKeys: () => Object.keys(proxy) });
    return proxy;
  }],
  ["a proxy whose keys are gone when they are read", () => new Proxy({}, { ownKeys: () => ["a"] , getOwnPropertyDescriptor: vanishing() })],
  ["a proxy whose key is a symbol", () => new Proxy({}, { ownKeys: () => [Symbol("s")] })],
  ["a proxy whose property is a getter", () => new Proxy({}, { ownKeys: () => ["a"], getOwnPropertyDescriptor: () => ({ get: () => 1, enumerable: true, configurable: true }) })],
  ["a proxy that lies about its keys", () => new Proxy(Object.freeze({ a: 1 }), { ownKeys: () => ["b"] })],
  ["a proxy of another kind each time", () => {
    let kind = 0;
    return new Proxy({}, { getPrototypeOf: () => [Object.prototype, Date.prototype, null][kind++ % 3], ownKeys: () => { throw new Error("a trap"); } });
  }],
  ["a list's proxy whose length throws", () => new Proxy([], { get(list, key) { if (key === "length") throw new Error("a trap"); return list[key]; } })],
  ["a list's proxy whose length is text", () => new Proxy([], { get: (list, key) => (key === "length" ? "1" : list[key]) })],
  ["a list's proxy whose length is a bigint", () => new Proxy([], { get: (list, key) => (key === "length" ? 1n : list[key]) })],
  ["a list's proxy whose length is an object", () => new Proxy([], { get: (list, key) => (key === "length" ? { valueOf: () => 1 } : list[key]) })],
  ["a list's proxy that gives undefined", () => new Proxy([1], { get: (list, key) => (key === "length" ? 1 : undefined) })],
  ["a list's proxy that gives itself", () => {
    const proxy = new Proxy([], { get: (_, key) => (key === "length" ? 1 : proxy) });
    return proxy;
  }, "ERR_LIMIT"],
  ["a proxy of a proxy of a revoked proxy", () => new Proxy(new Proxy(revoked({}), {}), {})],
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
  ["a SharedArrayBuffer", () => shared(8)],
  ["a view of shared memory", () => new Uint8Array(shared(8))],
  ["a DataView of shared memory", () => new DataView(shared(8))],
  ["a growable SharedArrayBuffer", () => shared(8, { maxByteLength: 16 })],
  ["a wide view of shared memory", () => new Float64Array(shared(8))],
  ["the memory of threads in a list", () => [new Uint8Array(shared(0))]],
  ["a wide view of a detached buffer", () => detached(new BigInt64Array(2))],
  ["a detached resizable buffer", () => detached(resizable(8))],
  ["a detached buffer deep in a map", () => ({ a: [detached(new Uint8Array(8))] })],
  ["a buffer that is detached while the rest is read", () => {
    const bytes = new Uint8Array(8);
    return [new Proxy({}, { ownKeys: () => { detached(bytes); return []; } }), bytes];
  }],
  ...[Uint8Array, Uint32Array, Float64Array, DataView].map((View) =>
    [`a ${View.name} that its buffer has shrunk below`, () => outOfBounds(View)]),
  ["a string over the limit", () => megabyte, "ERR_LIMIT"],
  ["three-byte text over the limit", () => "€".repeat(350_000), "ERR_LIMIT"],
  ["bytes over the limit", () => new Uint8Array(1 << 20), "ERR_LIMIT"],
  ["bytes far over the limit", () => new Uint8Array(64 << 20), "ERR_LIMIT"],
  ["a list over the limit", () => new Array(1_100_000).fill(0), "ERR_LIMIT"],
  ["many strings over the limit", () => new Array(2000).fill("x".repeat(1000)), "ERR_LIMIT"],
  ["a key over the limit", () => ({ [megabyte]: 1 }), "ERR_LIMIT"],
];

const long = "x".repeat(256);
const parent = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";

/** A trap that finds the property the first time, and no more after that. */
function vanishing() {
  let times = 0;
  return () => (times++ === 0 ? { value: 1, enumerable: true, configurable: true } : undefined);
}

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
  ["a node whose prototype is a node", () => ({ __proto__: node(1), content: 2 })],
  ["a symbol", () => Symbol("node")],
  ["a bigint", () => 1n],
  ["bytes", () => new Uint8Array(10)],
  ["a thenable that gives a node", () => ({ ...node(1), then: (resolve) => resolve(node(1)) })],
  ["a proxy whose keys throw undefined", () => new Proxy({}, { ownKeys() { throw undefined; } })],
  ["a proxy that throws what can't be looked at", () => unspeakable(node(1))],
  ["a proxy of a list", () => new Proxy([], {})],
  ["a proxy with 20,000 keys", () => new Proxy({}, { ownKeys: () => Array.from({ length: 20_000 }, (_, i) => `key ${i}`), getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) })],
  ["a getter for each field", () => Object.defineProperties({}, Object.fromEntries(Object.entries(node(1)).map(([key, value]) => [key, { get: () => value, enumerable: true }])))],
  ["a setter for the timestamp", () => Object.defineProperty(node(1), "timestamp", { set() {}, enumerable: true })],
  ["content that is cyclic through the node", () => {
    const cyclic = node(1, { content: {} });
    cyclic.content.node = cyclic;
    return cyclic;
  }, "ERR_LIMIT"],
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
  ["parents that are a proxy without end", () => node(1, { parents: new Proxy([], { get: (_, key) => (key === "length" ? 2 ** 53 - 1 : parent) }) }), "ERR_LIMIT"],
  ["parents that are a revoked proxy", () => node(1, { parents: revoked([]) })],
  ["parents whose first is a getter that throws", () => node(1, { parents: throwingGetter(0, []) })],
  ["a parent that is a symbol", () => node(1, { parents: [Symbol("s")] }), "ERR_INVALID_CID"],
  ["a parent that is a list", () => node(1, { parents: [[parent]] }), "ERR_INVALID_CID"],
  ["a parent that is a CIDv0", () => node(1, { parents: ["QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"] }), "ERR_INVALID_CID"],
  ["a parent of another codec", () => node(1, { parents: ["bafkreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"] }), "ERR_INVALID_CID"],
  ["a parent that is detached", () => node(1, { parents: [detached(new Uint8Array(36))] }), "ERR_INVALID_CID"],
  ["a nonce that is shared", () => node(1, { nonce: new Uint8Array(shared(8)) })],
  ["a nonce that is a revoked proxy", () => node(1, { nonce: revoked(new Uint8Array(8)) })],
  ["a nonce that is a list", () => node(1, { nonce: [1, 2] })],
  ["a timestamp of -0.5", () => node(1, { timestamp: -0.5 })],
  ["a timestamp of Infinity", () => node(1, { timestamp: Infinity })],
  ["a timestamp that is a boxed number", () => node(1, { timestamp: Object(1) })],
  ["an event type that is a proxy", () => node(1, { eventType: new Proxy({}, {}) })],
  ["an event type that only says it is text", () => node(1, { eventType: { toString: () => "vote" } })],
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
  ["shared memory", () => new Uint8Array(shared(8)), "ERR_INVALID_ARGUMENT"],
  ["a view out of bounds", () => outOfBounds(Uint8Array), "ERR_INVALID_ARGUMENT"],
  ["a proxy of bytes", () => new Proxy(new Uint8Array(8), {}), "ERR_INVALID_ARGUMENT"],
  ["a node", () => node(1), "ERR_INVALID_ARGUMENT"],
  ["undefined", () => undefined, "ERR_INVALID_ARGUMENT"],
  ["a symbol", () => Symbol("s"), "ERR_INVALID_ARGUMENT"],
  ["maps without end", () => new Uint8Array(100_000).fill(0xbf), "ERR_INVALID_NODE"],
  ["bytes of all ones", () => new Uint8Array(1000).fill(0xff), "ERR_INVALID_NODE"],
];

const cases = (what, table, usual, insert) =>
  table.map(([name, make, code = usual]) => [
    `${what}: ${name}`,
    async ({ DagStore }) => {
      const store = new DagStore();
      // Before the wasm is loaded, and after; and in a batch.
      await rejects(insert(store, make()), code);
      await roundTrip(store);
      await rejects(insert(store, make()), code);
      const batch = await store.beginBatch();
      await rejects(insert(batch, make()), code);
      equal((await batch.commit()).inserted, []);
      await roundTrip(store);
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
    "20,000 getters and proxies that throw leave no trace",
    async ({ DagStore }) => {
      const store = new DagStore();
      await roundTrip(store);
      const contents = [{ a: throwing({}, "ownKeys") }, [throwingGetter(0, [])], throwing([1], "get"), { a: [throwingGetter()] }];
      for (let i = 0; i < 20_000; i++) {
        const { code } = await store.insert(node(1, { content: contents[i % 4] })).then(() => ({ code: "none" }), (error) => error);
        if (code !== "ERR_INVALID_NODE") throw new Error(`expected ERR_INVALID_NODE, got ${code}`);
      }
      await roundTrip(store);
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
];
