/** What things cost in a store of a million nodes, how that grows, and what memory it takes. */
import { inTurns, many, microseconds, report, wants } from "./measure.mjs";
import { fields } from "./fields.mjs";
import { watchMemory } from "./wasm-memory.mjs";

const BATCH = 1_000;
const CHUNK = 50;
/** The smaller first: what is free in the memory of a larger one would hide what they take. */
const SIZES = { "10,000 nodes": many(10_000, 1_000), "100,000 nodes": many(100_000, 2_000), "dag-store": many(1_000_000, 3_000) };
const MEMORY = { "10,000 nodes": "W10-10k", "dag-store": "W10-1m" };
const ROUNDS = many(200, 3);
/** Not so many that the smallest store would be much larger at the end. */
const FEW = many(40, 2);

const memory = watchMemory();
const { DagStore } = await import("dag-store");

/** A store of so many nodes, each batch the children of a node of the one before, and some of their ids. */
async function filled(count) {
  const store = new DagStore();
  const ids = [];
  let encoded = 0;
  for (let made = 0; made < count; made += BATCH) {
    const parents = ids.slice(-1);
    const batch = Array.from({ length: BATCH }, (_, i) => ({ ...fields(made + i), parents }));
    ids.push((await store.insertMany(batch)).inserted[made % 997]);
    encoded += (await store.getBlock(ids.at(-1))).length * BATCH;
  }
  await store.stateHash();
  return { store, ids, encoded, made: count };
}

await new DagStore().size();
const stores = {};
for (const [name, count] of Object.entries(SIZES)) {
  const before = memory();
  stores[name] = await filled(count);
  const figures = { "dag-store": (memory() - before) / count, "encoded bytes": stores[name].encoded / count };
  if (name in MEMORY && wants(MEMORY[name])) report(MEMORY[name], figures, 1);
}

const each = (way) => Object.fromEntries(Object.entries(stores).map(([name, of]) => [name, way(of)]));

/** Inserts the child of the last node, one by one. */
const inserting = (hashed) => (of) => async () => {
  for (let i = 0; i < CHUNK; i++) {
    of.ids.push(await of.store.insert({ ...fields(of.made++), parents: of.ids.slice(-1) }));
    if (hashed) await of.store.stateHash();
  }
};
const getting = ({ store, ids }) => async (round) => {
  for (let i = 0; i < CHUNK; i++) await store.get(ids[((round * CHUNK + i) * 7919) % ids.length]);
};
const paging = ({ store }) => () => store.list({ limit: 100 }).toArray();

const rows = { "C1-js-get": [ROUNDS, CHUNK, getting], "C1-js-page": [ROUNDS, 100, paging], "C1-js-insert": [FEW, CHUNK, inserting(false)], "C1-js-hash": [FEW, CHUNK, inserting(true)] };
for (const [row, [rounds, count, way]] of Object.entries(rows)) {
  if (wants(row)) report(row, microseconds(await inTurns(rounds, count, each(way))), rounds);
}
if (wants("H2-wasm")) {
  const { "dag-store": time } = microseconds(await inTurns(FEW, CHUNK, { "dag-store": inserting(true)(stores["dag-store"]) }));
  report("H2-wasm", { "dag-store": time }, FEW);
}
