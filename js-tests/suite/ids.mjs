/** What names a node, and what doesn't. */
import { equal, node, ok, rejects } from "./expect.mjs";

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Every way to name a node that has this id. */
function forms(id, { Link }) {
  const link = Link.parse(id);
  const { bytes } = link;
  const padded = new Uint8Array(40);
  padded.set(bytes, 2);
  const legacy = { bytes };
  legacy.asCID = legacy;
  return {
    "text in base32": id,
    "text in base16": `f${hex(bytes)}`,
    "text in upper case base16": `F${hex(bytes).toUpperCase()}`,
    "text in upper case base32": `B${id.slice(1).toUpperCase()}`,
    "text in base64url": `u${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")}`,
    "text in base2": `0${Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("")}`,
    "text in base58": `z${base58(bytes)}`,
    bytes: bytes.slice(),
    "bytes within a buffer": padded.subarray(2, 38),
    "an ArrayBuffer": bytes.slice().buffer,
    "a link": link,
    "a structured clone of a link": { ...link },
    "the mark that links had before": legacy,
  };
}

function base58(bytes) {
  const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let text = "";
  for (let number = BigInt(`0x${hex(bytes)}`); number > 0n; number /= 58n) text = alphabet[Number(number % 58n)] + text;
  return text;
}

const good = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
const withBytes = (change) => ({ Link }) => {
  const bytes = Link.parse(good).bytes.slice();
  change(bytes);
  return bytes;
};

const REFUSED = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["a number", () => 1],
  ["true", () => true],
  ["a bigint", () => 1n],
  ["a symbol", () => Symbol("id")],
  ["a function", () => () => good],
  ["empty text", () => ""],
  ["other text", () => "node"],
  ["text with a space after it", () => `${good} `],
  ["text with a space before it", () => ` ${good}`],
  ["text one character short", () => good.slice(0, -1)],
  ["text one character long", () => `${good}a`],
  ["a digit that base32 hasn't", () => `${good.slice(0, -1)}1`],
  ["a character beyond ASCII that is like a digit", () => `${good.slice(0, -1)}\u0161`],
  ["bits left over", () => `${good.slice(0, -1)}b`],
  ["upper case in lower case base32", () => good.replace("k", "K")],
  ["a multibase that doesn't exist", () => `!${good}`],
  ["the name of something inherited", () => "constructor"],
  ["a CIDv0", () => "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"],
  ["another codec", () => "bafkreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"],
  ["half a surrogate pair", () => "\ud800"],
  ["a megabyte of text", () => "b".repeat(1 << 20)],
  ["a boxed string", () => Object(good)],
  ["an empty object", () => ({})],
  ["a list", () => [good]],
  ["an object that only says it is a CID", () => ({ toString: () => good, version: 1, code: 0x71 })],
  ["an object whose mark is another's", ({ Link }) => ({ ...Link.parse(good), "/": new Uint8Array(36) })],
  ["no bytes", () => new Uint8Array()],
  ["35 bytes", ({ Link }) => Link.parse(good).bytes.slice(0, 35)],
  ["37 bytes", ({ Link }) => Uint8Array.of(...Link.parse(good).bytes, 0)],
  ["another version", withBytes((bytes) => (bytes[0] = 2))],
  ["bytes of another codec", withBytes((bytes) => (bytes[1] = 0x55))],
  ["another hash", withBytes((bytes) => (bytes[2] = 0x1e))],
  ["another digest length", withBytes((bytes) => (bytes[3] = 0x1f))],
  ["a revoked proxy", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }],
  ["a proxy that throws", () => new Proxy({}, { getOwnPropertyDescriptor() { throw new Error("a trap"); } })],
  ["a detached buffer", () => {
    const bytes = new Uint8Array(36);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return bytes;
  }],
];

export const ids = [
  [
    "ids: every form names the node, everywhere, and text comes out",
    async (api) => {
      const store = new api.DagStore();
      const root = await store.insert(node(0));
      for (const [name, id] of Object.entries(forms(root, api))) {
        equal(await store.has(id), true, name);
        equal((await store.get(id))?.cid, root, name);
        equal((await store.getMany([id]))[0]?.cid, root, name);
        ok((await store.getBlock(id)) instanceof Uint8Array, name);
        const child = await store.insert(node(1, { parents: [id] }));
        equal((await store.get(child)).parents, [root], name);
        await rejects(store.remove(id), "ERR_HAS_CHILDREN", name);
        equal(await store.remove(child), true, name);
        const batch = await store.beginBatch();
        await batch.remove(id);
        equal(await batch.get(id), undefined, name);
        equal((await batch.commit({ conditions: [{ heads: [id] }] })).removed, [root], name);
        await rejects(store.insertMany([], { conditions: [{ heads: [id] }] }), "ERR_CONDITION_FAILED", name);
        equal(await store.insert({ ...node(0), cid: id }), root, name);
      }
    },
  ],
  [
    "ids: forms work before the wasm is loaded",
    async (api) => {
      for (const id of Object.values(forms(good, api))) equal(await new api.DagStore().has(id), false);
    },
  ],
  ...REFUSED.map(([name, make]) => [
    `refused id: ${name}`,
    async (api) => {
      const store = new api.DagStore();
      for (let round = 0; round < 2; round++) {
        for (const call of ["get", "has", "getBlock", "remove"]) {
          await rejects(store[call](make(api)), "ERR_INVALID_CID", call);
        }
        await rejects(store.getMany([good, make(api)]), "ERR_INVALID_CID");
      }
      await rejects(store.insertMany([], { conditions: [{ heads: [make(api)] }] }), "ERR_INVALID_CID");
      const batch = await store.beginBatch();
      for (const call of ["get", "remove"]) await rejects(batch[call](make(api)), "ERR_INVALID_CID", call);
      await rejects(batch.removeMany([good, make(api)]), "ERR_INVALID_CID");
      // The call that failed staged nothing.
      equal((await batch.commit()).sequence, 0);
      equal(await store.size(), 0);
    },
  ]),
];
