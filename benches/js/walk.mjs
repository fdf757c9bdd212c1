/** Walks along the links, beside walking decoded blocks. */
import { DagStore } from "dag-store";
import { inTurns, many, microseconds, report, same, wants } from "./measure.mjs";
import { chain } from "./nodes.mjs";
import { ByHand } from "./reference.mjs";

const NODES = many(10_000, 500);
const ROUNDS = many(30, 3);

const nodes = chain(NODES);
const [store, byHand] = [new DagStore(), new ByHand()];
await store.insertMany(nodes.map(({ ours }) => ours));
for (const node of nodes) byHand.insert(node.byHand);
const head = nodes.at(-1).id;
const parentsOf = (id) => byHand.get(id).parents.map(String);

/** Breadth first, each once. */
function ancestorsByHand() {
  const seen = new Set([head]);
  for (const id of seen) for (const parent of parentsOf(id)) seen.add(parent);
  return [...seen];
}

/** Parents first, as Kahn has it. */
function topologicalByHand() {
  const waiting = new Map();
  const children = new Map();
  for (const id of ancestorsByHand()) {
    const parents = parentsOf(id);
    waiting.set(id, parents.length);
    for (const parent of parents) children.set(parent, [...(children.get(parent) ?? []), id]);
  }
  const order = [...waiting.keys()].filter((id) => waiting.get(id) === 0);
  for (const id of order) {
    for (const child of children.get(id) ?? []) {
      waiting.set(child, waiting.get(child) - 1);
      if (waiting.get(child) === 0) order.push(child);
    }
  }
  return order;
}

const rows = {
  W9: [() => store.ancestors(head).cids().toArray(), ancestorsByHand],
  "W9-topological": [() => store.topological().cids().toArray(), topologicalByHand],
};
for (const [row, [ours, theirs]] of Object.entries(rows)) {
  if (!wants(row)) continue;
  same((await ours()).join(), theirs().join(), "the order");
  report(row, microseconds(await inTurns(ROUNDS, NODES, { "dag-store": ours, "by hand": theirs })), ROUNDS);
}
