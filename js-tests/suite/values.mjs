/** JavaScript to IPLD and back. */
import { NotHere, equal, node, ok, rejects } from "./expect.mjs";
import { resizable } from "./strange.mjs";

const CID_V0 = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";
const CID_RAW = "bafkreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";

const deep = (depth) => {
  let value = [];
  for (let i = 1; i < depth; i++) value = [value];
  return value;
};
const bytes = (...values) => Uint8Array.from(values);

/** Name, what goes in, and what comes out if that is something else. */
const ACCEPTED = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["zero", 0],
  ["negative zero becomes zero", -0, 0],
  ["one", 1],
  ["minus one", -1],
  ...[23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1].flatMap((n) => [
    [`integer ${n}`, n],
    [`integer ${-n}`, -n],
    [`integer ${-n - 1} as a bigint`, BigInt(-n) - 1n, n < 2 ** 53 - 1 ? -n - 1 : undefined],
  ]),
  ["an integral float becomes an integer", 3.0, 3],
  ["a fraction", 1.5],
  ["the smallest float", 5e-324],
  ["the largest float", 1.7976931348623157e308],
  ["2^53 as a float stays one", 2 ** 53],
  ["-2^53 as a float stays one", -(2 ** 53)],
  ["a small bigint becomes a number", 5n, 5],
  ["a small negative bigint becomes a number", -5n, -5],
  ["zero as a bigint", 0n, 0],
  ["2^53 - 1 as a bigint", 2n ** 53n - 1n, 2 ** 53 - 1],
  ["2^53 as a bigint", 2n ** 53n],
  ["2^64 - 1", 2n ** 64n - 1n],
  ["-2^53 as a bigint", -(2n ** 53n)],
  ["-2^63 - 1", -(2n ** 63n) - 1n],
  ["-2^64", -(2n ** 64n)],
  ["an empty string", ""],
  ["ASCII", "node content"],
  ["text of 23, 24, 31, 32, 33, 255 and 256 characters", [23, 24, 31, 32, 33, 255, 256].map((n) => "x".repeat(n))],
  ["two-byte text around the lengths of heads", [11, 12, 23, 127, 128].map((n) => "é".repeat(n))],
  ["text whose head grows when it is measured in bytes", ["x".repeat(22) + "é", "x".repeat(254) + "é", "é".repeat(40_000)]],
  ["text of all lengths of code points", "a é € 😀 \u0000 \uffff \u{10ffff}"],
  ["a byte order mark", "\ufeffa\ufeff"],
  ["long text", "0123456789abcdef".repeat(4096)],
  ["an empty list", []],
  ["a list", [1, "two", [3, [4]], { five: 6 }]],
  ["a list of 300", Array.from({ length: 300 }, (_, i) => i)],
  ["an empty map", {}],
  ["a map", { b: 1, a: { c: [] } }],
  ["keys in all orders", { bb: 1, a: 2, "": 3, ccc: 4, ab: 5, b: 6 }],
  ["keys that are not ASCII", { é: 1, zz: 2, "\uffff": 3, "😀": 4, "\ue000x": 5, aaaa: 6, "€": 7 }],
  ["keys that are numbers", { 10: "a", 9: "b", "-1": "c" }],
  ["a map with 300 keys", Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))],
  ["a map without a prototype", Object.assign(Object.create(null), { z: 1 }), { z: 1 }],
  ["a Map", new Map([["b", 1], ["a", new Map([["c", 2]])]]), { a: { c: 2 }, b: 1 }],
  ["a frozen map", Object.freeze({ a: Object.freeze([1]) })],
  ["names that every object inherits", { constructor: 1, toString: 2, hasOwnProperty: 3, valueOf: 4 }],
  ["`__proto__` as a key", JSON.parse('{ "__proto__": { "admin": true }, "a": 1 }')],
  ["a key `/` that makes no link", { "/": CID_RAW }],
  ["a `then` that is no function", { then: "now" }],
  ["no bytes", bytes()],
  ["bytes", bytes(0, 1, 254, 255)],
  ["many bytes", new Uint8Array(70_000).fill(7)],
  ["a view into a buffer", bytes(1, 2, 3, 4, 5).subarray(1, 3), bytes(2, 3)],
  ["an ArrayBuffer", bytes(1, 2).buffer, bytes(1, 2)],
  ["other views, as their bytes", [new Int8Array([-1]), new Uint16Array([258]), new Float64Array([0])],
    [bytes(255), bytes(2, 1), new Uint8Array(8)]],
  ["a DataView", new DataView(bytes(1, 2, 3).buffer, 1, 1), bytes(2)],
  ["a subclass of Uint8Array", new (class Buffer extends Uint8Array {})([9]), bytes(9)],
  ["a subclass of Array", (class List extends Array {}).of(1, 2), [1, 2]],
  ["126 lists in one another", deep(126)],
  ["127 lists in one another", deep(127)],
  ["a proxy of a map", new Proxy({ a: 1 }, {}), { a: 1 }],
  ["a proxy of a list", new Proxy([1, 2], {}), [1, 2]],
  ["one value in two places", ((shared) => [shared, shared])({ a: 1 }), [{ a: 1 }, { a: 1 }]],
];

/** The same, for what not every engine can make. */
const MADE = [
  ...["Int8", "Uint8Clamped", "Int16", "Int32", "Uint32", "Float16", "Float32", "BigInt64", "BigUint64"].map((kind) => [
    `a view of ${kind}`,
    () => {
      const View = globalThis[`${kind}Array`];
      if (!View) throw new NotHere(`the engine has no ${kind}Array`);
      return new View(bytes(1, 2, 3, 4, 5, 6, 7, 8).buffer);
    },
    bytes(1, 2, 3, 4, 5, 6, 7, 8),
  ]),
  ["a resizable buffer", () => resizable(2), bytes(0, 0)],
  ["a view that follows its buffer", () => {
    const buffer = resizable(2);
    const view = new Uint8Array(buffer);
    buffer.resize(4);
    return view;
  }, bytes(0, 0, 0, 0)],
  ["the memory of a WebAssembly instance", () => new WebAssembly.Memory({ initial: 1 }).buffer.slice(0, 3), bytes(0, 0, 0)],
  ["bytes that lie about themselves", () => Object.defineProperties(bytes(1, 2), {
    length: { value: 9 }, byteLength: { get: () => 9 }, buffer: { get: () => new ArrayBuffer(9) }, [Symbol.toStringTag]: { value: "Array" },
  }), bytes(1, 2)],
  ["a Map that lies about itself", () => Object.defineProperties(new Map([["a", 1]]), {
    size: { value: 9 }, get: { value: () => 9 }, forEach: { value() {} }, keys: { value: () => ["b"] },
  }), { a: 1 }],
  ["a list with keys of its own", () => Object.assign([1, 2], { odd: 3 }), [1, 2]],
  ["a list without a prototype", () => Object.setPrototypeOf([1, 2], null), [1, 2]],
  ["a list with a getter that gives a value", () => Object.defineProperty([1], 0, { get: () => 7 }), [7]],
  ["what is not enumerable is left out", () => Object.defineProperty({ a: 1 }, "hidden", { value: () => 1 }), { a: 1 }],
  ["a map's proxy whose get throws, since nobody calls it", () => new Proxy({ a: 1 }, { get() { throw new Error("a trap"); } }), { a: 1 }],
  ["a proxy of a list that shrinks while it is read", () => {
    let length = 2;
    return new Proxy([1, 2], { get: (list, key) => (key === "length" ? length-- : list[key]) });
  }, [1, 2]],
  ["a `toJSON` that nobody calls", () => new Map([["toJSON", "text"]]), { toJSON: "text" }],
];

export const values = [
  ...[...ACCEPTED.map(([name, input, output = input]) => [name, () => input, output]), ...MADE].map(([name, make, output]) => [
    `content: ${name}`,
    async ({ DagStore }) => {
      const input = make();
      const store = new DagStore();
      const id = await store.insert(node(1, { content: input }));
      const read = await store.get(id);
      equal(read.content, output);
      // What was read goes in again as it is, and is the same node.
      const other = new DagStore();
      equal(await other.insert(read), id);
      equal(await other.insert(node(1, { content: output })), id);
    },
  ]),
  [
    "content: maps come out as plain objects, and what is in them as own properties",
    async ({ DagStore }) => {
      const store = new DagStore();
      const content = JSON.parse('{ "__proto__": { "admin": true }, "constructor": 1 }');
      const read = (await store.get(await store.insert(node(1, { content })))).content;
      equal(Object.getPrototypeOf(read), Object.prototype);
      equal(Object.keys(read).sort(), ["__proto__", "constructor"]);
      equal(read.admin, undefined);
      equal({}.admin, undefined);
    },
  ],
  [
    "content: links of every kind come out as links",
    async ({ DagStore, Link }) => {
      const store = new DagStore();
      const id = await store.insert(node(0));
      const content = [Link.parse(id), Link.parse(CID_V0), { raw: Link.parse(CID_RAW) }];
      const read = (await store.get(await store.insert(node(1, { content })))).content;
      equal([String(read[0]), String(read[1]), String(read[2].raw)], [id, CID_V0, CID_RAW]);
      ok(read[0] instanceof Link && read[0]["/"] === read[0].bytes);
      equal([read[1].version, read[1].code, read[1].multihash.code, read[1].multihash.size], [0, 0x70, 0x12, 32]);
      equal([read[2].raw.version, read[2].raw.code], [1, 0x55]);
      ok(read[0].equals(content[0]) && !read[0].equals(content[1]) && !read[0].equals(null));
      equal(JSON.stringify(read[1]), JSON.stringify({ "/": CID_V0 }));
    },
  ],
  [
    "content: what a structured clone makes of a link is a link",
    async ({ DagStore, Link }) => {
      if (typeof structuredClone === "undefined") throw new NotHere("the runtime has no structuredClone");
      const store = new DagStore();
      const id = await store.insert(node(1, { content: structuredClone(Link.parse(CID_RAW)) }));
      equal(String((await store.get(id)).content), CID_RAW);
    },
  ],
  [
    "content: links are checked",
    async ({ DagStore, Link }) => {
      const store = new DagStore();
      const forged = (cid) => ({ "/": cid, bytes: cid });
      const good = Link.parse(CID_RAW).bytes;
      const wrong = [
        bytes(),
        bytes(1),
        bytes(...good, 0),
        good.subarray(0, 35),
        bytes(2, ...good.subarray(1)),
        bytes(0x81, 0x00, ...good.subarray(1)),
        new Uint8Array(200).fill(1),
      ];
      for (const cid of wrong) await rejects(store.insert(node(1, { content: forged(cid) })), "ERR_INVALID_NODE");
      for (const cid of wrong) await rejects(() => new Link(cid), "ERR_INVALID_CID");
      for (const text of ["", "b", "Qm", `${CID_RAW}a`, 5, null]) await rejects(() => Link.parse(text), "ERR_INVALID_CID");
      equal(String((await store.get(await store.insert(node(1, { content: forged(good) })))).content), CID_RAW);
    },
  ],
  [
    "content: bytes that come out are copies",
    async ({ DagStore }) => {
      const store = new DagStore();
      const id = await store.insert(node(1, { content: bytes(1, 2), nonce: bytes(3) }));
      const read = await store.get(id);
      read.content.fill(9);
      read.nonce.fill(9);
      (await store.getBlock(id)).fill(9);
      equal((await store.get(id)).content, bytes(1, 2));
      equal((await store.get(id)).nonce, bytes(3));
      // What was read stays as it is, whatever is read or written afterwards.
      const [first, block] = [await store.get(id), await store.getBlock(id)];
      const other = await store.insert(node(2, { content: bytes(8, 9), nonce: bytes(7) }));
      equal((await store.get(other)).content, bytes(8, 9));
      await store.getBlock(other);
      for (const own of [first.content, first.nonce, block]) ok(own.buffer.byteLength === own.length, "a view into something larger");
      equal([first.content, first.nonce, block], [bytes(1, 2), bytes(3), await store.getBlock(id)]);
      await store.remove(other);
      equal((await store.verify()).nodes, 1);
    },
  ],
];
