/** The nodes that everybody is given: some 350 bytes each, 200 of them text, and the child of the one before. */
import { fields } from "./fields.mjs";
import { ByHand } from "./reference.mjs";

/** A chain: each with its CID, its block, and as it is given to us (`ours`) and to what is written by hand (`byHand`). */
export function chain(count, from = 0) {
  const maker = new ByHand();
  const made = [];
  let parent;
  for (let i = from; i < from + count; i++) {
    const node = fields(i);
    const byHand = { ...node, parents: parent ? [parent.cid] : [] };
    const ours = { ...node, parents: parent ? [parent.id] : [] };
    parent = maker.make(byHand);
    made.push({ ...parent, ours, byHand });
  }
  return made;
}

/** Nodes that know nothing of one another. */
export function loose(count) {
  return Array.from({ length: count }, (_, i) => ({ ...fields(i), parents: [] }));
}
