// The state hash, slow and obvious: straight from "State hash" in docs/spec.md, nothing kept, nothing
// shared with the store.

import { createHash } from 'node:crypto';

const LONGEST_TYPE_IN_LEAF = 64;
const NOTHING = Buffer.alloc(32);

// The first byte of what is hashed says what it is.
const LEAF = 0x00;
const INNER = 0x01;
const LEAF_OF_LONG_TYPE = 0x02;
const SCOPE = 0x10;
const OUTER_INNER = 0x11;

/**
 * The hashes of a store that holds these nodes.
 *
 * @param leaves one `{ scope_id, timestamp, event_type, digest }` for each node, digest in hex
 * @param emptyScopes ids of scopes without a node, whose hash is asked for too
 */
export function stateHash(leaves, emptyScopes = []) {
  const ids = [...new Set([...leaves.map((leaf) => leaf.scope_id), ...emptyScopes])];
  const scopes = ids.map((id) => ({ id, ...scopeHash(id, leaves.filter((leaf) => leaf.scope_id === id)) }));
  const entries = scopes
    .filter((scope) => scope.count > 0)
    .map((scope) => ({ key: sha256(scope.id), hash: scope.hash, count: scope.count }));
  const root = trie(OUTER_INNER, entries);
  return { scopes, count: leaves.length, root, state: sha256('dag-store state 1', u64(leaves.length), root) };
}

function scopeHash(id, leaves) {
  const root = trie(INNER, leaves.map(leafEntry));
  return { count: leaves.length, root, hash: sha256([SCOPE], sha256(id), u64(leaves.length), root) };
}

function leafEntry({ timestamp, event_type: type, digest }) {
  const key = Buffer.concat([u64(timestamp), Buffer.from(digest, 'hex')]);
  const hash = Buffer.byteLength(type) <= LONGEST_TYPE_IN_LEAF
    ? sha256([LEAF], key, type)
    : sha256([LEAF_OF_LONG_TYPE], key, sha256(type));
  return { key, hash, count: 1 };
}

/** The root of the trie over `entries`, which agree in their first `bit` bits. */
function trie(tag, entries, bit = 0) {
  if (entries.length === 0) return NOTHING;
  if (entries.length === 1) return entries[0].hash;
  const left = entries.filter(({ key }) => bitOf(key, bit) === 0);
  const right = entries.filter(({ key }) => bitOf(key, bit) === 1);
  if (left.length === 0 || right.length === 0) return trie(tag, entries, bit + 1);
  const count = entries.reduce((sum, entry) => sum + entry.count, 0);
  const prefix = firstBits(entries[0].key, bit);
  return sha256([tag], u16(bit), prefix, u64(count), trie(tag, left, bit + 1), trie(tag, right, bit + 1));
}

/** Bit 0 is the most significant bit of byte 0. */
function bitOf(key, bit) {
  return (key[bit >> 3] >> (7 - (bit & 7))) & 1;
}

/** A key of the same length: the first `bits` bits of this one, then zeros. */
function firstBits(key, bits) {
  return Buffer.from(key.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i)))));
}

function u16(number) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return bytes;
}

function u64(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}

function sha256(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(Array.isArray(part) ? Buffer.from(part) : part);
  return hash.digest();
}
