/** Memory of the wasm instance, from outside: how much it has grown, beside the bytes of the blocks that were put in. */
import { many, report, wants } from "./measure.mjs";
import { chain } from "./nodes.mjs";
import { watchMemory } from "./wasm-memory.mjs";

const NODES = many(100_000, 2_000);
const BATCH = 1_000;

const memory = watchMemory();
const { DagStore } = await import("dag-store");

if (wants("W10")) {
  const nodes = chain(NODES);
  const encoded = nodes.reduce((sum, { block }) => sum + block.length, 0) / NODES;
  const store = new DagStore();
  await store.size();
  const before = memory();
  for (let i = 0; i < NODES; i += BATCH) await store.insertMany(nodes.slice(i, i + BATCH).map(({ ours }) => ours));
  await store.stateHash();
  report("W10", { "dag-store": (memory() - before) / NODES, "encoded bytes": encoded }, 1);
}
