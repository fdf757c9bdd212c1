/**
 * CAR files read and written, beside `@ipld/car`, as ratios: the two take turns, a file of so many blocks at a
 * time, in one process, and the medians are compared (the first quarter is dropped).
 *
 *     node --expose-gc js-tests/bench/car.mjs     (where `dag-store` is installed)
 */
import { createHash } from "node:crypto";
import { CarBlockIterator, CarWriter } from "@ipld/car";
import { DagStore } from "dag-store";
import { CID } from "multiformats/cid";

const NODES = 24_000;
const CONTENT = 200;

/** Nodes of about 350 bytes: 200 characters of content, each the child of the one before. */
async function filled(store, from, count) {
  let [parent] = await store.heads();
  for (let i = from; i < from + count; i++) {
    const content = `${i} `.padEnd(CONTENT, "The quick brown fox jumps over the lazy dog. ");
    const parents = parent === undefined ? [] : [parent];
    parent = await store.insert({ content, eventType: "proposal", scopeId: "garden-coop", timestamp: i, parents });
  }
  return store;
}

/** What people write today: each block is hashed and compared, and goes into a Map. */
class ByHand {
  #blocks = new Map();

  async importCar(file) {
    for await (const { cid, bytes } of await CarBlockIterator.fromBytes(file)) {
      const hash = createHash("sha256").update(bytes).digest();
      if (!hash.equals(cid.multihash.digest)) throw new Error("not its block");
      this.#blocks.set(cid.toString(), bytes);
    }
  }

  /** Writes all of it, and gives how many bytes that is; CIDs are read from the Map's keys. */
  async exportCar(roots, blocks = this.blocks()) {
    const { writer, out } = CarWriter.create(roots);
    const reading = lengthOf(out);
    for (const block of blocks) await writer.put(block);
    await writer.close();
    return reading;
  }

  blocks() {
    return Array.from(this.#blocks, ([id, bytes]) => ({ cid: CID.parse(id), bytes }));
  }
}

/** Reads a file to its end, as what sends it somewhere would. */
async function lengthOf(chunks) {
  let length = 0;
  for await (const chunk of chunks) length += chunk.length;
  return length;
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
const row = (name, columns) => console.log(name.padEnd(44) + columns.map((text) => text.padStart(12)).join(""));

/** Runs both in turn, so many times; prints microseconds per block, and how often one goes into the other. */
async function compare(name, rounds, blocks, ours, byHand) {
  const times = { ours: [], byHand: [] };
  const timed = async (list, run, round) => {
    const start = process.hrtime.bigint();
    await run(round);
    list.push(Number(process.hrtime.bigint() - start) / blocks / 1000);
  };
  for (let round = 0; round < rounds; round++) {
    await timed(times.byHand, byHand, round);
    await timed(times.ours, ours, round);
  }
  const [a, b] = [times.ours, times.byHand].map((list) => median(list.slice(list.length >> 2)));
  row(name, [`${a.toFixed(2)} us`, `${b.toFixed(2)} us`, `${(b / a).toFixed(2)} x`]);
}

row("", ["dag-store", "@ipld/car", "ratio"]);

for (const blocks of [100, 1_000]) {
  const source = new DagStore();
  const files = [];
  for (let from = 0; from < NODES; from += blocks) {
    await filled(source, from, blocks);
    files.push(await source.exportCar({ afterCommit: from }).toBytes());
  }
  const [store, byHand] = [new DagStore(), new ByHand()];
  await compare(
    `import, ${blocks} blocks a file`,
    files.length,
    blocks,
    (round) => store.importCar(files[round]),
    (round) => byHand.importCar(files[round]),
  );
  if ((await store.stateHash()) !== (await source.stateHash())) throw new Error("not the same");
}

for (const blocks of [100, 1_000, 10_000]) {
  const store = await filled(new DagStore(), 0, blocks);
  const file = await store.exportCar().toBytes();
  const byHand = new ByHand();
  await byHand.importCar(file);
  const roots = (await store.heads()).map((id) => CID.parse(id));
  const ready = byHand.blocks();
  const rounds = Math.max(30, NODES / blocks);
  const ours = () => lengthOf(store.exportCar());
  await compare(`export, ${blocks} blocks a file, CIDs at hand`, rounds, blocks, ours, () => byHand.exportCar(roots, ready));
  await compare(`export, ${blocks} blocks a file, from the Map`, rounds, blocks, ours, () => byHand.exportCar(roots));
  if ((await byHand.exportCar(roots)) !== file.length) throw new Error("not the same");
}
