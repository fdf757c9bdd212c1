/** What the package makes of values, beside what `@ipld/dag-cbor` and `multiformats` make of them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as dagCbor from "@ipld/dag-cbor";
import { DagStore, Link } from "dag-store";
import { bases } from "multiformats/basics";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { shuffled } from "../suite/expect.mjs";

const SHA2_256 = 0x12;
const V0 = CID.parse("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n");

/** The block of a node, by the other implementation. */
function encode({ content, eventType, scopeId, timestamp, parents = [], nonce }) {
  const node = { content, parents: parents.map((id) => CID.parse(id)), scope_id: scopeId, timestamp, event_type: eventType };
  return dagCbor.encode(nonce ? { ...node, nonce } : node);
}

function cidOf(block) {
  const digest = Digest.create(SHA2_256, createHash("sha256").update(block).digest());
  return CID.createV1(dagCbor.code, digest);
}

/** Random numbers that can be had again. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

/** Some value of IPLD. */
function anything(pick, depth = 0) {
  const text = () => Array.from({ length: pick(40) }, () => ["a", "Z", "é", "€", "😀", "\u0000"][pick(6)]).join("");
  const many = (make) => Array.from({ length: pick(6) }, make);
  const makers = [
    () => null,
    () => pick(2) === 0,
    () => pick(1000) - 500,
    () => (pick(2 ** 32) - 2 ** 31) * 2 ** pick(22),
    () => (pick(2 ** 32) - 2 ** 31) / 2 ** pick(60),
    () => (BigInt(pick(2 ** 32)) << BigInt(pick(33))) * (pick(2) ? 1n : -1n),
    text,
    () => Uint8Array.from(many(() => pick(256))),
    () => CID.createV1(pick(2 ** 20), Digest.create(pick(2 ** 20), Uint8Array.from({ length: pick(65) }, () => pick(256)))),
    () => V0,
    () => many(() => anything(pick, depth + 1)),
    () => Object.fromEntries(many(() => [text(), anything(pick, depth + 1)])),
  ];
  return makers[pick(depth > 5 ? 10 : 12)]();
}

/** The same value with our links where the other implementation has its CIDs. */
function withLinks(value) {
  if (value instanceof CID) return String(new Link(value.bytes));
  if (Array.isArray(value)) return value.map(withLinks);
  if (value instanceof Link) return String(value);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withLinks(part)]));
}

test("3,000 random nodes have the same blocks, CIDs and values", async () => {
  const seed = Number(process.env.SEED ?? 20_261_122);
  console.log(`SEED=${seed}`);
  const pick = random(seed);
  const store = new DagStore();
  const ids = [];
  for (let i = 0; i < 3000; i++) {
    const parents = shuffled(Math.min(ids.length, pick(4)), i).map((j) => ids[ids.length - 1 - j]);
    const node = { content: anything(pick), eventType: "vote", scopeId: `s${pick(9)}`, timestamp: pick(2 ** 32), parents };
    if (pick(3) === 0) node.nonce = Uint8Array.from({ length: 1 + pick(64) }, () => pick(256));
    const block = encode(node);
    const id = await store.insert(node);
    assert.equal(id, String(cidOf(block)));
    assert.deepEqual(Buffer.from(await store.getBlock(id)), Buffer.from(block));
    const read = await store.get(id);
    assert.deepEqual(withLinks(read.content), withLinks(dagCbor.decode(block).content));
    assert.deepEqual(read.parents, parents);
    assert.equal(await store.insertBlock(block), id);
    ids.push(id);
  }
  await store.verify();
});

test("links and CIDs stand for one another", async () => {
  const store = new DagStore();
  const cid = CID.parse(await store.insert({ content: 1, eventType: "vote", scopeId: "s", timestamp: 0 }));
  for (const target of [cid, V0, CID.createV1(0x55, Digest.create(0x1e, new Uint8Array(64)))]) {
    const id = await store.insert({ content: { target }, eventType: "vote", scopeId: "s", timestamp: 0, parents: [cid] });
    const { target: link } = (await store.get(id)).content;
    assert.ok(CID.asCID(link).equals(target) && link.equals(target));
    assert.equal(String(link), String(target));
    assert.deepEqual(dagCbor.encode(link), dagCbor.encode(target));
    assert.equal(JSON.stringify(link), JSON.stringify(target));
    assert.equal(String(Link.parse(String(target))), String(target));
  }
  assert.equal((await store.get(cid)).cid, String(cid));
  assert.equal(await store.has(structuredClone(cid)), true);
});

test("ids are read in every multibase that multiformats has", async () => {
  const store = new DagStore();
  const id = await store.insert({ content: 1, eventType: "vote", scopeId: "s", timestamp: 0 });
  const { bytes } = CID.parse(id);
  const names = Object.keys(bases).filter((name) => name !== "identity");
  assert.ok(names.length >= 20);
  for (const name of names) {
    const text = bases[name].encoder.encode(bytes);
    assert.equal(await store.has(text), true, name);
    // One character less, or another one, is another id, or none.
    for (const wrong of [[...text].slice(0, -1).join(""), [...text].map((c, i) => (i === 20 ? "\u00b5" : c)).join("")]) {
      await assert.rejects(store.has(wrong), { code: "ERR_INVALID_CID" }, `${name}: ${wrong}`);
    }
  }
  // RFC 9285, which multiformats hasn't: three digits for two bytes.
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
  let base45 = "R";
  for (let i = 0; i < bytes.length; i += 2) {
    const value = bytes[i] * 256 + bytes[i + 1];
    base45 += digits[value % 45] + digits[Math.floor(value / 45) % 45] + digits[Math.floor(value / 2025)];
  }
  assert.equal(await store.has(base45), true);
});
