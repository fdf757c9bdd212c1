/** The journal in IndexedDB, beside what people keep blocks in there. */
import * as dagCbor from "@ipld/dag-cbor";
import { IDBBlockstore } from "blockstore-idb";
import { DagStore } from "dag-store";
import { IndexedDBJournal } from "dag-store/indexeddb";
import { CID } from "multiformats/cid";
import { sha256 } from "multiformats/hashes/sha2";
import { inTurns, many, perSecond, report, same, scaled, wants } from "./measure.mjs";
import { fields } from "./fields.mjs";

const ROUNDS = many(30, 4);
const ALONE = many(10, 2);
const TOGETHER = 64;
const BATCH = many(1_000, 50);
const OPENED = many(100_000, 500);
const TO_OPEN = many(5, 2);

let made = 0;
const fresh = () => ({ ...fields(++made), parents: [] });
const freshOnes = (count) => Array.from({ length: count }, fresh);

/** By hand, with the hash that a browser has. */
async function make({ content, eventType, scopeId, timestamp, parents }) {
  const bytes = dagCbor.encode({ content, parents, scope_id: scopeId, timestamp, event_type: eventType });
  return { cid: CID.createV1(dagCbor.code, await sha256.digest(bytes)), bytes };
}
const making = (nodes) => Promise.all(nodes.map(make));

/** One transaction for all of a batch, as somebody would write who knows IndexedDB: a record for each block. */
class Records {
  #database;
  async open() {
    const request = indexedDB.open("records", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("blocks");
    this.#database = await promised(request);
    return this;
  }
  put(blocks) {
    const transaction = this.#database.transaction("blocks", "readwrite", { durability: "strict" });
    const store = transaction.objectStore("blocks");
    for (const { cid, bytes } of blocks) store.put(bytes, cid.bytes);
    return new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

const promised = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const openStore = (name) => DagStore.open({ journal: new IndexedDBJournal(name) });
const store = await openStore("bench");
const blockstore = new IDBBlockstore("blocks");
await blockstore.open();
const records = await new Records().open();

const sides = (count) => ({
  "dag-store": () => (count === 1 ? store.insert(fresh()) : store.insertMany(freshOnes(count))),
  "blockstore-idb": async () => {
    for await (const _ of blockstore.putMany(await making(freshOnes(count))));
  },
  "one transaction": async () => records.put(await making(freshOnes(count))),
});

if (wants("idb-alone")) {
  const single = Object.entries(sides(1)).map(([side, put]) => [
    side,
    async () => {
      for (let i = 0; i < ALONE; i++) await put();
    },
  ]);
  report("idb-alone", perSecond(await inTurns(ROUNDS, ALONE, Object.fromEntries(single))), ROUNDS);
}
if (wants("idb-together")) {
  const figures = await inTurns(ROUNDS, TOGETHER, {
    "dag-store": () => Promise.all(freshOnes(TOGETHER).map((node) => store.insert(node))),
    "one by one": async () => {
      for (const node of freshOnes(TOGETHER)) await store.insert(node);
    },
    "blockstore-idb": async () => Promise.all((await making(freshOnes(TOGETHER))).map(({ cid, bytes }) => blockstore.put(cid, bytes))),
  });
  report("idb-together", perSecond(figures), ROUNDS);
}
if (wants("W14")) report("W14", perSecond(await inTurns(ROUNDS, BATCH, sides(BATCH))), ROUNDS);

if (["idb-open", "idb-open-checkpoint", "idb-bytes"].some(wants)) {
  const used = async () => (await navigator.storage.estimate()).usageDetails?.indexedDB ?? (await navigator.storage.estimate()).usage;
  const before = await used();
  const filled = await openStore("filled");
  let parents = [];
  for (let i = 0; i < OPENED; i += BATCH) {
    const { inserted } = await filled.insertMany(Array.from({ length: BATCH }, (_, at) => ({ ...fields(i + at), parents })));
    parents = inserted.slice(-1);
  }
  const hash = await filled.stateHash();
  if (wants("idb-bytes")) report("idb-bytes", { "dag-store": ((await used()) - before) / OPENED }, 1);
  const opening = async () => {
    const again = await openStore("filled");
    same(await again.stateHash(), hash, "the state hash");
    await again.close();
  };
  const figures = async () => scaled(await inTurns(TO_OPEN, OPENED, { "dag-store": opening }), 1e5 * 1e-6);
  await filled.close();
  if (wants("idb-open")) report("idb-open", await figures(), TO_OPEN);
  if (wants("idb-open-checkpoint")) {
    const again = await openStore("filled");
    await again.checkpoint();
    await again.close();
    report("idb-open-checkpoint", await figures(), TO_OPEN);
  }
}
