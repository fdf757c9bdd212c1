/** CAR files and DAG-JSON, beside what `@ipld/car` and `@ipld/dag-json` make of them. */
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CarReader, CarWriter } from "@ipld/car";
import * as dagCbor from "@ipld/dag-cbor";
import * as dagJson from "@ipld/dag-json";
import { DagStore, Link, toDagJson } from "dag-store";
import { CID } from "multiformats/cid";
import { shuffled } from "../suite/expect.mjs";
import { fromHex } from "../vectors/typed-json.mjs";

/** The specification sorts keys by their bytes in UTF-8; `@ipld/dag-json` sorts them as JavaScript's strings are. */
const AS_UTF_16 = "keys of equal byte length by UTF-8, where UTF-16 order differs";

const vectors = JSON.parse(await readFile(new URL("../../docs/vectors/nodes.json", import.meta.url)));

async function filled(count) {
  const store = new DagStore();
  const ids = [];
  for (let i = 0; i < count; i++) {
    const parents = shuffled(Math.min(i, 9), i).slice(0, i % 3).map((back) => ids[i - 1 - back]);
    const content = { text: "x".repeat(i * 7), link: Link.parse("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n") };
    ids.push(await store.insert({ content, eventType: "vote", scopeId: "s", timestamp: i, parents }));
  }
  return { store, ids };
}

/** A file that the other implementation writes. */
async function written(roots, blocks) {
  const { writer, out } = CarWriter.create(roots);
  const chunks = [];
  const read = (async () => {
    for await (const chunk of out) chunks.push(chunk);
  })();
  for (const block of blocks) await writer.put(block);
  await writer.close();
  await read;
  return Buffer.concat(chunks);
}

test("@ipld/car reads what we write, and we read what it writes", async () => {
  const { store, ids } = await filled(300);
  const file = await store.exportCar().toBytes();
  const reader = await CarReader.fromBytes(file);
  assert.equal(reader.version, 1);
  assert.deepEqual((await reader.getRoots()).map(String), await store.heads());
  const blocks = [];
  for await (const block of reader.blocks()) blocks.push(block);
  assert.deepEqual(blocks.map(({ cid }) => String(cid)), ids);
  for (const { cid, bytes } of blocks) {
    assert.deepEqual(Buffer.from(bytes), Buffer.from(await store.getBlock(cid)));
    assert.equal(dagCbor.decode(bytes).scope_id, "s");
  }

  // The same blocks in the same order are the same file.
  const roots = await reader.getRoots();
  assert.deepEqual(await written(roots, blocks), Buffer.from(file));

  const replica = new DagStore();
  const backwards = await written(roots, blocks.toReversed?.() ?? [...blocks].reverse());
  const imported = await replica.importCar(backwards);
  assert.deepEqual(imported.roots, roots.map(String));
  assert.equal(imported.inserted.length, ids.length);
  assert.equal(await replica.stateHash(), await store.stateHash());
});

test("files go from disk to store and back", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dag-store-car-"));
  try {
    const path = join(folder, "all.car");
    const { store } = await filled(100);
    await writeFile(path, store.exportCar());
    const replica = new DagStore();
    await replica.importCar(createReadStream(path, { highWaterMark: 1000 }));
    assert.equal(await replica.stateHash(), await store.stateHash());
    const web = new DagStore();
    await web.importCar(new Response(store.exportCar().stream()));
    assert.equal(await web.stateHash(), await store.stateHash());
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("exports are asked for with CIDs of multiformats", async () => {
  const { store, ids } = await filled(50);
  const cid = CID.parse(ids[40]);
  const file = await store.exportCar({ pastOf: [cid], notPastOf: [CID.parse(ids[10]), structuredClone(cid)] }).toBytes();
  assert.deepEqual(await (await CarReader.fromBytes(file)).getRoots(), []);
  const past = await CarReader.fromBytes(await store.exportCar({ pastOf: [cid] }).toBytes());
  assert.deepEqual((await past.getRoots()).map(String), [ids[40]]);
  assert.ok(await past.has(cid));
});

test("DAG-JSON of every vector is that of @ipld/dag-json", () => {
  let compared = 0;
  for (const { name, block } of vectors.accepted) {
    const node = dagCbor.decode(fromHex(block));
    const { content, parents, scope_id: scopeId, timestamp, event_type: eventType, nonce } = node;
    const ours = toDagJson({ content, parents, scopeId, timestamp, eventType, nonce });
    if (name === AS_UTF_16) assert.deepEqual(dagJson.parse(ours), node);
    else assert.equal(ours, dagJson.format(node), name);
    compared++;
  }
  assert.ok(compared > 100);
});
