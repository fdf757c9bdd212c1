// Is this block a node? A second opinion on the refused vectors, slow and obvious: decode the block
// with the independent implementation, look at the value, and compare what it encodes to.

import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';

const BLOCK_BYTES = 2 ** 20;
const PARENTS = 1024;
const DEPTH = 127;

/** The error code a block is refused with, or undefined. */
export function judge(block) {
  if (block.length > BLOCK_BYTES) return 'ERR_LIMIT';
  let node;
  try {
    node = dagCbor.decode(block);
  } catch (error) {
    // The decoder recurses: what overflows its stack is nested thousands deep.
    return /call stack/.test(error.message) ? 'ERR_LIMIT' : 'ERR_INVALID_NODE';
  }
  if (!isMap(node)) return 'ERR_INVALID_NODE';
  if (Object.hasOwn(node, 'v')) return 'ERR_UNSUPPORTED_VERSION';
  if (!sameBytes(dagCbor.encode(node), block) || !isNode(node)) return 'ERR_INVALID_NODE';
  return depth(node.content) > DEPTH || node.parents.length > PARENTS ? 'ERR_LIMIT' : undefined;
}

function isNode({ content, parents, scope_id: scopeId, timestamp, event_type: type, nonce, ...others }) {
  return content !== undefined && links(content).every(isWellFormed)
    && Array.isArray(parents) && parents.every(isNodeLink) && new Set(parents.map(String)).size === parents.length
    && isName(scopeId)
    && Number.isSafeInteger(timestamp) && timestamp >= 0
    && isName(type)
    && (nonce === undefined || (nonce instanceof Uint8Array && nonce.length >= 1 && nonce.length <= 64))
    && Object.keys(others).length === 0;
}

function isNodeLink(value) {
  const cid = CID.asCID(value);
  return cid !== null && cid.version === 1 && cid.code === 0x71 && cid.multihash.code === 0x12
    && cid.multihash.size === 32;
}

// `multiformats` has no opinion on the length of a digest.
function isWellFormed(cid) {
  return cid.multihash.size <= 64 && (cid.version === 1 || cid.multihash.size === 32);
}

function isName(value) {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= 255;
}

function isMap(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !ArrayBuffer.isView(value)
    && CID.asCID(value) === null;
}

/** The values in a list or map; undefined for anything else. */
function inside(value) {
  if (Array.isArray(value)) return value;
  return isMap(value) ? Object.values(value) : undefined;
}

function depth(value) {
  const values = inside(value);
  return values === undefined ? 0 : 1 + Math.max(0, ...values.map(depth));
}

function links(value) {
  const cid = CID.asCID(value);
  return cid === null ? (inside(value) ?? []).flatMap(links) : [cid];
}

function sameBytes(a, b) {
  return Buffer.compare(a, b) === 0;
}
