/**
 * Inserting and reading, beside the same by hand, as ratios: the two take turns, a chunk of about two
 * milliseconds at a time, in one process, and the medians are compared (the first quarter is dropped).
 *
 *     node --expose-gc js-tests/bench/insert-get.mjs     (where `dag-store` is installed)
 */
import { DagStore } from "dag-store";
import { ByHand } from "./reference.mjs";

const NODES = 24_000;
const BATCH = 1_000;
const CHUNK = 100;

/** Nodes of about 350 bytes: 200 characters of content, each the child of the one before. */
function* nodes(count) {
  const reference = new ByHand();
  let parent;
  for (let i = 0; i < count; i++) {
    const content = `${i} `.padEnd(200, "The quick brown fox jumps over the lazy dog. ");
    const timestamp = 1_700_000_000_000 + i;
    const node = { content, eventType: i ? "proposal" : "genesis", scopeId: "garden-coop", timestamp };
    const { cid, id } = reference.insert({ ...node, parents: parent ? [parent.cid] : [] });
    yield {
      id,
      ours: { ...node, parents: parent ? [parent.id] : [] },
      byHand: { ...node, parents: parent ? [parent.cid] : [] },
    };
    parent = { cid, id };
  }
}

const all = [...nodes(NODES)];
const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

/** Runs both over all chunks in turn; prints microseconds per node, and how often one goes into the other. */
async function compare(name, chunk, ours, byHand) {
  const times = { ours: [], byHand: [] };
  const timed = async (list, run, part) => {
    const start = process.hrtime.bigint();
    const made = run(part);
    if (made instanceof Promise) await made;
    list.push(Number(process.hrtime.bigint() - start) / part.length / 1000);
  };
  for (let i = 0; i + chunk <= all.length; i += chunk) {
    const part = all.slice(i, i + chunk);
    await timed(times.byHand, byHand, part);
    await timed(times.ours, ours, part);
  }
  const [a, b] = [times.ours, times.byHand].map((list) => median(list.slice(list.length >> 2)));
  const columns = [`${a.toFixed(2)} us`, `${b.toFixed(2)} us`, `${(b / a).toFixed(2)} x`];
  console.log(name.padEnd(44) + columns.map((text) => text.padStart(12)).join(""));
}

console.log("".padEnd(44) + ["dag-store", "by hand", "ratio"].map((text) => text.padStart(12)).join(""));

const single = { ours: new DagStore(), byHand: new ByHand() };
await compare(
  "insert, awaited one by one",
  CHUNK,
  async (part) => {
    for (const { ours } of part) await single.ours.insert(ours);
  },
  (part) => {
    for (const { byHand } of part) single.byHand.insert(byHand);
  },
);

await compare(
  "get, decoded, awaited one by one",
  CHUNK,
  async (part) => {
    for (const { id } of part) await single.ours.get(id);
  },
  (part) => {
    for (const { id } of part) single.byHand.get(id);
  },
);

const bulk = { ours: new DagStore(), byHand: new ByHand() };
await compare(
  `insertMany, ${BATCH} a call`,
  BATCH,
  async (part) => {
    await bulk.ours.insertMany(part.map(({ ours }) => ours));
  },
  (part) => {
    for (const { byHand } of part) bulk.byHand.insert(byHand);
  },
);

const last = all.at(-1).id;
if ((await single.ours.get(last)).content !== single.byHand.get(last).content) throw new Error("not the same");
