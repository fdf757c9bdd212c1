/** What people write today: DAG-CBOR, multiformats, node:crypto, and a Map. */
import { createHash } from "node:crypto";
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";

const SHA2_256 = 0x12;

export class ByHand {
  #blocks = new Map();

  insert({ content, eventType, scopeId, timestamp, parents }) {
    const node = { content, parents, scope_id: scopeId, timestamp, event_type: eventType };
    const block = dagCbor.encode(node);
    const hash = createHash("sha256").update(block).digest();
    const cid = CID.createV1(dagCbor.code, Digest.create(SHA2_256, hash));
    const id = cid.toString();
    this.#blocks.set(id, block);
    return { cid, id };
  }

  get(id) {
    return dagCbor.decode(this.#blocks.get(id));
  }
}
