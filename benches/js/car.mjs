/** CAR files read and written, beside `@ipld/car`. */
import { CarBlockIterator, CarWriter } from "@ipld/car";
import { DagStore } from "dag-store";
import { CID } from "multiformats/cid";
import { fields } from "./fields.mjs";
import { inTurns, many, microseconds, perSecond, report, same, wants } from "./measure.mjs";
import { chain } from "./nodes.mjs";
import { ByHand } from "./reference.mjs";

const BLOCKS = many(1_000, 100);
const ROUNDS = many(40, 4);

/** Reads a file to its end, as what sends it somewhere would. */
async function lengthOf(chunks) {
  let length = 0;
  for await (const chunk of chunks) length += chunk.length;
  return length;
}

async function importByHand(into, file) {
  for await (const { cid, bytes } of await CarBlockIterator.fromBytes(file)) into.check(cid, bytes);
}

/** Writes blocks whose CIDs are at hand, and gives how many bytes that is. */
async function exportByHand(roots, blocks) {
  const { writer, out } = CarWriter.create(roots);
  const reading = lengthOf(out);
  for (const { cid, block } of blocks) await writer.put({ cid, bytes: block });
  await writer.close();
  return reading;
}

const nodes = chain(BLOCKS * ROUNDS);
const source = new DagStore();

if (wants("W7")) {
  const files = [];
  for (let from = 0; from < nodes.length; from += BLOCKS) {
    const afterCommit = (await source.insertMany(nodes.slice(from, from + BLOCKS).map(({ ours }) => ours))).sequence - 1;
    files.push(await source.exportCar({ afterCommit }).toBytes());
  }
  const [store, byHand] = [new DagStore(), new ByHand()];
  const figures = await inTurns(ROUNDS, BLOCKS, {
    "dag-store": (round) => store.importCar(files[round]),
    "@ipld/car": (round) => importByHand(byHand, files[round]),
  });
  same(await store.stateHash(), await source.stateHash(), "the state hash");
  report("W7", microseconds(figures), ROUNDS);
}

if (wants("W8")) {
  const store = new DagStore();
  const blocks = nodes.slice(0, BLOCKS);
  await store.insertMany(blocks.map(({ ours }) => ours));
  const roots = (await store.heads()).map((id) => CID.parse(id));
  const figures = await inTurns(ROUNDS * 5, BLOCKS, {
    "dag-store": () => lengthOf(store.exportCar()),
    "@ipld/car": () => exportByHand(roots, blocks),
  });
  same(await lengthOf(store.exportCar()), await exportByHand(roots, blocks), "the file's length");
  report("W8", microseconds(figures), ROUNDS * 5);
}

if (wants("R1-wasm")) {
  const store = new DagStore();
  const count = many(100_000, 1_000);
  for (const parents = []; (await store.size()) < count; ) {
    const from = await store.size();
    const { inserted } = await store.insertMany(Array.from({ length: 1_000 }, (_, i) => ({ ...fields(from + i), parents })));
    parents[0] = inserted.at(-1);
  }
  const [file, hash] = [await store.exportCar().toBytes(), await store.stateHash()];
  const rounds = many(8, 2);
  const replay = async () => {
    const replica = new DagStore();
    await replica.importCar(file);
    same(await replica.stateHash(), hash, "the state hash");
  };
  report("R1-wasm", perSecond(await inTurns(rounds, count, { "dag-store": replay })), rounds);
}
