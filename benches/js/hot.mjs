/** Inserting and reading in memory, beside the same by hand. */
import { DagStore } from "dag-store";
import { inTurns, many, median, microseconds, report, same, wants } from "./measure.mjs";
import { chain, loose } from "./nodes.mjs";
import { ByHand } from "./reference.mjs";

const NODES = many(24_000, 2_000);
const CHUNK = 100;
const BATCH = 1_000;

const parts = (list, size) => Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size));

const nodes = chain(NODES);
const chunks = parts(nodes, CHUNK);

if (wants("W1")) {
  const batches = parts(nodes, BATCH);
  const [store, byHand] = [new DagStore(), new ByHand()];
  const figures = await inTurns(batches.length, BATCH, {
    "dag-store": (round) => store.insertMany(batches[round].map(({ ours }) => ours)),
    "by hand": (round) => batches[round].forEach((node) => byHand.insert(node.byHand)),
  });
  same((await store.get(nodes.at(-1).id)).content, byHand.get(nodes.at(-1).id).content, "what was inserted");
  report("W1", microseconds(figures), batches.length);
}

if (wants("W3")) {
  const batches = parts(loose(NODES), BATCH);
  const [store, byHand] = [new DagStore(), new ByHand()];
  const figures = await inTurns(batches.length, BATCH, {
    "dag-store": (round) => store.insertMany(batches[round]),
    "by hand": (round) => batches[round].forEach((node) => byHand.insert(node)),
  });
  same(await store.size(), batches.length * BATCH, "how many were inserted");
  report("W3", microseconds(figures), batches.length);
}

const [store, byHand] = [new DagStore(), new ByHand()];
const single = await inTurns(chunks.length, CHUNK, {
  "dag-store": async (round) => {
    for (const { ours } of chunks[round]) await store.insert(ours);
  },
  "by hand": (round) => chunks[round].forEach((node) => byHand.insert(node.byHand)),
});
if (wants("W4")) report("W4", microseconds(single), chunks.length);

if (wants("W5")) {
  // The same call, awaited one by one and not at all: what lies between them is the Promise and the turn that it takes.
  const ids = chunks.map((chunk) => chunk.map(({ id }) => id));
  const differences = [];
  for (let again = 0; again < many(15, 1); again++) {
    const figures = await inTurns(chunks.length, CHUNK, {
      awaited: async (round) => {
        for (const id of ids[round]) await store.has(id);
      },
      bare: (round) => {
        let last;
        for (const id of ids[round]) last = store.has(id);
        return last;
      },
    });
    differences.push(figures.awaited - figures.bare);
  }
  report("W5", microseconds({ "dag-store": Math.max(median(differences), 0) }), chunks.length * many(15, 1));
}

if (wants("W6")) {
  const figures = await inTurns(chunks.length, CHUNK, {
    "dag-store": async (round) => {
      for (const { id } of chunks[round]) await store.get(id);
    },
    "by hand": (round) => chunks[round].forEach(({ id }) => byHand.get(id)),
  });
  report("W6", microseconds(figures), chunks.length);
}
