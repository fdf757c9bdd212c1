/** A node as a block, as people make one without a store: DAG-CBOR, SHA-256, a CID. */
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import { sha256 } from "multiformats/hashes/sha2";

export async function blockOf({ content, eventType, scopeId, timestamp, parents = [] }) {
  const links = parents.map((parent) => CID.parse(parent));
  const bytes = dagCbor.encode({ content, parents: links, scope_id: scopeId, timestamp, event_type: eventType });
  return { cid: CID.createV1(dagCbor.code, await sha256.digest(bytes)), bytes };
}

/** A blockstore of `interface-blockstore`, measured as a journal is. */
export const blockstoreSubject = (name, note, make) => ({
  name,
  note,
  async open() {
    const store = await make();
    const put = async (node) => {
      const { cid, bytes } = await blockOf(node);
      await store.put(cid, bytes);
    };
    return {
      one: put,
      together: (nodes) => Promise.all(nodes.map(put)),
      async batch(nodes) {
        const pairs = [];
        for (const node of nodes) {
          const { cid, bytes } = await blockOf(node);
          pairs.push({ cid, bytes });
        }
        for await (const _ of store.putMany(pairs));
      },
      close: () => store.close(),
    };
  },
});
