// A node's block and CID, by the independent implementation.

import { createHash } from 'node:crypto';

import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';

import { fromJson } from './typed-json.mjs';

const SHA2_256 = 0x12;

/** The block and CID of a node whose fields are typed JSON. */
export function seal(node) {
  const block = dagCbor.encode(fromJson(node));
  return { block, cid: cidOf(block) };
}

/** CIDv1, dag-cbor, sha2-256. */
export function cidOf(block) {
  const digest = createHash('sha256').update(block).digest();
  return CID.createV1(dagCbor.code, Digest.create(SHA2_256, digest));
}
