/** What people write today: DAG-CBOR, multiformats, node:crypto, and a Map. */
import { createHash } from "node:crypto";
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";

const SHA2_256 = 0x12;

export class ByHand {
  #blocks = new Map();

  /** A node's block, its CID, and that as text. */
  make({ content, eventType, scopeId, timestamp, parents }) {
    const node = { content, parents, scope_id: scopeId, timestamp, event_type: eventType };
    const block = dagCbor.encode(node);
    const hash = createHash("sha256").update(block).digest();
    const cid = CID.createV1(dagCbor.code, Digest.create(SHA2_256, hash));
    return { cid, id: cid.toString(), block };
  }

  insert(node) {
    const { cid, id, block } = this.make(node);
    this.#blocks.set(id, block);
    return { cid, id };
  }

  /** Takes a block from a disk, if it still has its hash. */
  check(cid, block) {
    if (!createHash("sha256").update(block).digest().equals(cid.multihash.digest)) throw new Error("not its block");
    this.#blocks.set(cid.toString(), block);
  }

  get(id) {
    return dagCbor.decode(this.#blocks.get(id));
  }
}
