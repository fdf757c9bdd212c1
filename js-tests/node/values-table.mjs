/**
 * The rows of the tables in docs/javascript.md: what they call a value, and the value. What becomes of it is
 * found out from both implementations and compared with the page.
 */
import { Link } from "dag-store";
import { CID } from "multiformats/cid";

const LINK = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";

class Point {
  x = 1;
}

const cyclic = [];
cyclic.push(cyclic);

const detached = new Uint8Array(8);
structuredClone(detached.buffer, { transfer: [detached.buffer] });

/** Values of one row, of which each must do what the row says. */
export class Several {
  constructor(...values) {
    this.values = values;
  }
}

/** Into the store: the page's name of a value, and the value. */
export const GIVEN = {
  "`null`": null,
  "`true`": true,
  "`false`": false,
  '`"text"`': "text",
  "half a surrogate pair": "\ud800",
  "`1`, which is `1.0`": 1,
  "`-0`": -0,
  "`1.5`": 1.5,
  "`2 ** 53 - 1`": 2 ** 53 - 1,
  "`2 ** 53`, a number": 2 ** 53,
  "`1n`": 1n,
  "`2n ** 53n`": 2n ** 53n,
  "`2n ** 64n - 1n`": 2n ** 64n - 1n,
  "`-(2n ** 64n)`": -(2n ** 64n),
  "`2n ** 64n`": 2n ** 64n,
  "`NaN`, `Infinity`": new Several(NaN, Infinity, -Infinity),
  "`undefined`": undefined,
  "`{ a: undefined }`": { a: undefined },
  "`[, 1]`, a hole": [, 1],
  "a function": () => 1,
  "a symbol": Symbol("s"),
  "`new Uint8Array(2)`, a `Buffer`": new Several(new Uint8Array(2), Buffer.from("bytes")),
  "`new ArrayBuffer(2)`": new ArrayBuffer(2),
  "`new DataView(…)`, `new Float64Array(1)`": new Several(new DataView(new ArrayBuffer(2)), new Float64Array(1)),
  "detached memory": detached,
  "shared memory": new Uint8Array(new SharedArrayBuffer(2)),
  "`[1, 2]`": [1, 2],
  "an array with more properties": Object.assign([1], { more: 1 }),
  "an instance of a subclass of `Array`": new (class extends Array {})(1, 2),
  "`{ a: 1 }`": { a: 1 },
  "`Object.create(null)`": Object.assign(Object.create(null), { a: 1 }),
  "`{ 1: 1 }`, a number for a key": { 1: 1 },
  "`__proto__` as a key of its own": JSON.parse('{ "__proto__": 1 }'),
  "properties that are not enumerable": Object.defineProperty({ a: 1 }, "b", { value: 1 }),
  "symbols for keys": { a: 1, [Symbol("s")]: 1 },
  "a getter": { get a() { return 1; } },
  "inherited properties": Object.create({ a: 1 }),
  "`new Map([[\"a\", 1]])`": new Map([["a", 1]]),
  "a `Map` with other keys": new Map([[1, 1]]),
  "a `Set`, a `WeakMap`": new Several(new Set([1]), new WeakMap()),
  "a `Date`": new Date(0),
  "an instance of a class": new Point(),
  "an `Error`, a `RegExp`, a `Promise`": new Several(new Error("e"), /x/, Promise.resolve(1)),
  "a boxed value, `Object(1)`": new Several(Object(1), Object(true)),
  "a `Link`": Link.parse(LINK),
  "a `CID` of `multiformats`": CID.parse(LINK),
  '`{ "/": "bafy…" }`': { "/": LINK },
  "a value that holds itself": cyclic,
};

/** Out of a block: the page's name of an item, and the item in DAG-CBOR. */
export const FOUND = {
  "integer from −(2^53 − 1) to 2^53 − 1": "1b001fffffffffffff",
  "integer beyond, down to −2^64 and up to 2^64 − 1": "1b0020000000000000",
  "integer written longer than need be": "1801",
  "64-bit float": "fb3ff8000000000000",
  "float that is a safe integer, such as 1.0": "fb3ff0000000000000",
  "float −0": "fb8000000000000000",
  "float NaN or infinity": "fb7ff8000000000000",
  "float of 16 or 32 bits": "f93e00",
  "string": "6161",
  "string that is not UTF-8": "61ff",
  "bytes": "420102",
  "list": "820102",
  "map": "a1616101",
  "map with the key `__proto__`": "a1695f5f70726f746f5f5f01",
  "map with its keys in another order": "a2616201616102",
  "map with a key twice": "a2616101616102",
  "map with a key that is no string": "a10101",
  "link": `d82a582500${Buffer.from(Link.parse(LINK).bytes).toString("hex")}`,
  "another tag": "c101",
  "`undefined`": "f7",
  "list or map without a length": "9f01ff",
};
