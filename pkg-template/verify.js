/**
 * Checks proofs, without a store and without wasm. What their bytes mean is in `docs/spec.md`, section
 * "Proofs"; the crate `dag-store-verify` is the same in Rust.
 */
import { sha256 } from "@noble/hashes/sha2.js";

const VERSION = 1;

/** How a part of a trie is given. */
const CLOSED = 0;
const INNER = 1;
const NODE = 2;
const NODE_LONG_TYPE = 3;
const SCOPE = 4;
const OTHER_SCOPE = 5;
const NOTHING = 6;

/** What stands before what is hashed. */
const HASH_LEAF = 0x00;
const HASH_INNER = 0x01;
const HASH_LEAF_LONG_TYPE = 0x02;
const HASH_SCOPE = 0x10;
const HASH_SCOPES_INNER = 0x11;
const STATE = new TextEncoder().encode("dag-store state 1");

const NODE_KEY = 40;
const LONGEST_TYPE_IN_LEAF = 64;
const LONGEST_NAME = 255;
const NO_HASH = new Uint8Array(32);

/** The start of the CID of every node: version 1, DAG-CBOR, SHA-256 of 32 bytes. */
const CID_PREFIX = [0x01, 0x71, 0x12, 0x20];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const MESSAGES = {
  ERR_UNSUPPORTED_VERSION: "the proof is of a later version",
  ERR_MALFORMED: "the proof is malformed",
  ERR_INCOMPLETE: "the proof leaves out a part where there may be more",
  ERR_OTHER_STATE: "the proof does not lead to this state hash",
  ERR_ABSENT: "the node is not in this state",
  ERR_PRESENT: "the node is in this state",
  ERR_INVALID_BLOCK: "the block is not a node's",
  ERR_OTHER_BLOCK: "the block is not that of the entry",
  ERR_INVALID_ARGUMENT: "an argument can't be read",
};

/** Why a proof does not verify. */
export class ProofError extends Error {
  constructor(code, message = MESSAGES[code]) {
    super(message);
    this.code = code;
  }

  static {
    Object.defineProperty(this.prototype, "name", { value: "ProofError" });
  }
}

export function verifyPresence(stateHash, block, proof) {
  const { scopeId, key, eventType } = readBlock(block);
  const [entry] = read(stateHash, scopeId, key, key, proof);
  if (entry === undefined) fail("ERR_ABSENT");
  if (!isTypeOf(entry, eventType)) fail("ERR_OTHER_BLOCK");
}

export function verifyAbsence(stateHash, block, proof) {
  const { scopeId, key } = readBlock(block);
  if (read(stateHash, scopeId, key, key, proof).length > 0) fail("ERR_PRESENT");
}

export function verifyRange(stateHash, scopeId, times, proof) {
  if (typeof scopeId !== "string") fail("ERR_INVALID_ARGUMENT", "a scope id is a string");
  const { since = 0, until = Number.MAX_SAFE_INTEGER } = readTimes(times, scopeId);
  for (const time of [since, until]) {
    const message = "a time is a whole number of milliseconds, from 0 to 2^53 - 1";
    if (!Number.isSafeInteger(time) || time < 0) fail("ERR_INVALID_ARGUMENT", message);
  }
  if (since > until) fail("ERR_INVALID_ARGUMENT", "the range of time is empty: it ends before it begins");
  const bytes = new TextEncoder().encode(scopeId);
  const entries = read(stateHash, bytes, nodeKey(since, 0), nodeKey(until, 0xff), proof);
  return entries.map(({ key, eventType, eventTypeHash }) => ({
    cid: cidOf(key.subarray(8)),
    timestamp: timestampOf(key),
    ...(eventType === undefined ? { eventTypeHash } : { eventType: text(eventType) }),
  }));
}

export function checkBlock(entry, scopeId, block) {
  if (typeof entry !== "object" || entry === null) fail("ERR_INVALID_ARGUMENT", "an entry comes from verifyRange");
  const facts = readBlock(block);
  const same =
    cidOf(facts.key.subarray(8)) === entry.cid &&
    timestampOf(facts.key) === entry.timestamp &&
    text(facts.scopeId) === scopeId &&
    (entry.eventType === undefined
      ? equal(hash(facts.eventType), asBytes(entry.eventTypeHash))
      : text(facts.eventType) === entry.eventType);
  if (!same) fail("ERR_OTHER_BLOCK");
}

function readTimes(times, scopeId) {
  const message = "times are given as an object of `since` and `until`";
  if (typeof times !== "object" || times === null) fail("ERR_INVALID_ARGUMENT", message);
  let read;
  try {
    read = { ...times };
  } catch {
    fail("ERR_INVALID_ARGUMENT", message);
  }
  // What was given to `proveRange` names the scope, too.
  const { scopeId: named = scopeId, ...range } = read;
  if (named !== scopeId) fail("ERR_INVALID_ARGUMENT", "the scope id among the times is of another scope");
  if (Object.keys(range).some((key) => key !== "since" && key !== "until")) fail("ERR_INVALID_ARGUMENT", message);
  return range;
}

function fail(code, message) {
  throw new ProofError(code, message);
}

// ------------------------------------------------------------------------------------------ proofs

/** Reads a proof of what the keys from `first` to `last` are in a scope's trie. */
function read(stateHash, scopeId, first, last, proof) {
  const expected = readHash(stateHash);
  const bytes = new Bytes(asBytes(proof), "ERR_MALFORMED");
  if (bytes.byte() !== VERSION) fail("ERR_UNSUPPORTED_VERSION");
  const scopeKey = hash(scopeId);

  const entries = [];
  let scope;
  if (!bytes.takeByte(NOTHING)) {
    const { hash: root, count } = readTrie(bytes, HASH_INNER, NODE_KEY, first, last, (form, known) => {
      const key = readBits(bytes, known, 8 * NODE_KEY).key;
      const entry = readEventType(bytes, form, key);
      // One that is not was opened to show that nothing else is there.
      if (compare(first, key) <= 0 && compare(key, last) <= 0) entries.push(entry);
      return { hash: entry.leaf, count: 1 };
    });
    scope = { hash: hashScope(scopeKey, count, root), count };
  }

  let state = { hash: NO_HASH, count: 0 };
  if (scope !== undefined || !bytes.takeByte(NOTHING)) {
    let open = scope;
    state = readTrie(bytes, HASH_SCOPES_INNER, 32, scopeKey, scopeKey, (form, known) => {
      if (form === SCOPE && open !== undefined) {
        open = undefined;
        return scope;
      }
      if (form !== OTHER_SCOPE) fail("ERR_MALFORMED");
      const { key } = readBits(bytes, known, 8 * 32);
      const count = bytes.number();
      const root = bytes.take(32);
      if (equal(key, scopeKey) || count === 0) fail("ERR_MALFORMED");
      return { hash: hashScope(key, count, root), count };
    });
    // What was read about the scope counts for nothing, unless the trie over the scopes has it.
    if (open !== undefined) fail("ERR_MALFORMED");
  }
  if (!bytes.isEmpty()) fail("ERR_MALFORMED");
  if (!equal(hash(STATE, u64(state.count), state.hash), expected)) fail("ERR_OTHER_STATE");
  return entries;
}

/** Reads what follows a node's key. */
function readEventType(bytes, form, key) {
  if (form === NODE_LONG_TYPE) {
    const eventTypeHash = bytes.take(32).slice();
    return { key, eventTypeHash, leaf: hash([HASH_LEAF_LONG_TYPE], key, eventTypeHash) };
  }
  if (form !== NODE) fail("ERR_MALFORMED");
  const length = bytes.byte();
  if (length < 1 || length > LONGEST_TYPE_IN_LEAF) fail("ERR_MALFORMED");
  const eventType = bytes.take(length);
  if (text(eventType) === undefined) fail("ERR_MALFORMED");
  return { key, eventType, leaf: hash([HASH_LEAF], key, eventType) };
}

/**
 * Reads a trie that has at least one leaf, opened exactly as far as the interval of keys needs it: gives
 * its root and the number of nodes in it. `readLeaf` reads those leaves that are opened.
 */
function readTrie(bytes, tag, length, first, last, readLeaf) {
  /** Inner nodes whose subtrees are being read. Bits grow from one to the next, so there are few. */
  const above = [];
  let known = { key: new Uint8Array(length), bits: 0 };
  for (;;) {
    const mayMatter = meets(known, first, last);
    const form = bytes.byte();
    let subtree;
    if (form === CLOSED) {
      if (above.length === 0) fail("ERR_MALFORMED");
      if (mayMatter) fail("ERR_INCOMPLETE");
      subtree = { hash: bytes.take(32), count: undefined };
    } else if (!mayMatter) {
      fail("ERR_MALFORMED");
    } else if (form === INNER) {
      const bits = known.bits + bytes.number();
      if (bits >= 8 * length) fail("ERR_MALFORMED");
      const prefix = readBits(bytes, known, bits);
      above.push({ prefix, count: bytes.number(), left: undefined });
      known = withBit(prefix, 0);
      continue;
    } else {
      subtree = readLeaf(form, known);
    }
    // Up, as long as what was read is the right one of two subtrees.
    for (;;) {
      const inner = above.at(-1);
      if (inner === undefined) return subtree;
      if (inner.left === undefined) {
        inner.left = subtree;
        known = withBit(inner.prefix, 1);
        break;
      }
      above.pop();
      subtree = join(tag, inner, subtree);
    }
  }
}

/** The inner node above two subtrees. */
function join(tag, { prefix, count, left }, right) {
  // A closed subtree has a node at least.
  const least = (left.count ?? 1) + (right.count ?? 1);
  const exact = left.count !== undefined && right.count !== undefined;
  if (exact ? count !== least : count < least) fail("ERR_MALFORMED");
  const bit = [prefix.bits >> 8, prefix.bits & 0xff];
  return { hash: hash([tag], bit, prefix.key, u64(count), left.hash, right.hash), count };
}

function hashScope(scopeKey, count, root) {
  return hash([HASH_SCOPE], scopeKey, u64(count), root);
}

// ------------------------------------------------------------------------------------------- keys

/** Reads the bits of a key from those that are known up to `bits`: whole bytes, none where none is new. */
function readBits(bytes, known, bits) {
  const key = known.key.slice();
  if (bits === known.bits) return { key, bits };
  const from = known.bits >> 3;
  bytes.take(((bits + 7) >> 3) - from).forEach((byte, i) => {
    const at = from + i;
    // Known bits are repeated as they are; bits that aren't part of it are zero.
    if (key[at] !== (byte & ~onesAfter(known.bits, at)) || (byte & onesAfter(bits, at)) !== 0) {
      fail("ERR_MALFORMED");
    }
    key[at] = byte;
  });
  return { key, bits };
}

function withBit({ key, bits }, bit) {
  const longer = key.slice();
  if (bit === 1) longer[bits >> 3] |= 0x80 >> (bits & 7);
  return { key: longer, bits: bits + 1 };
}

/** Whether a key from `first` to `last` may begin with the known bits. */
function meets({ key, bits }, first, last) {
  const largest = key.map((byte, at) => byte | onesAfter(bits, at));
  return compare(key, last) <= 0 && compare(largest, first) >= 0;
}

/** Ones in this byte of a key for every bit from `bits` on. */
function onesAfter(bits, at) {
  return 0xff >> Math.min(8, Math.max(0, bits - 8 * at));
}

function nodeKey(timestamp, fill) {
  const key = new Uint8Array(NODE_KEY).fill(fill);
  key.set(u64(timestamp));
  return key;
}

function timestampOf(key) {
  return Number(new DataView(key.buffer, key.byteOffset).getBigUint64(0));
}

function compare(a, b) {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? 0 : a[at] - b[at];
}

// ----------------------------------------------------------------------------------------- blocks

/**
 * Finds a node's place in the state, and its type, in its block. The fields must stand where they stand
 * in every node's block; content and parents are passed over.
 */
function readBlock(block) {
  const given = asBytes(block);
  const bytes = new Bytes(given, "ERR_INVALID_BLOCK");
  const [major, fields] = bytes.head();
  if (major !== 5 || (fields !== 5 && fields !== 6)) fail("ERR_INVALID_BLOCK");
  if (fields === 6) bytes.skipField("nonce");
  bytes.skipField("content");
  bytes.skipField("parents");
  bytes.field("scope_id");
  const scopeId = bytes.text();
  bytes.field("timestamp");
  const [kind, timestamp] = bytes.head();
  if (kind !== 0 || timestamp > Number.MAX_SAFE_INTEGER) fail("ERR_INVALID_BLOCK");
  bytes.field("event_type");
  const eventType = bytes.text();
  const isName = ({ length }) => length >= 1 && length <= LONGEST_NAME;
  if (!bytes.isEmpty() || !isName(scopeId) || !isName(eventType)) fail("ERR_INVALID_BLOCK");
  const key = nodeKey(timestamp, 0);
  key.set(hash(given), 8);
  return { scopeId, key, eventType };
}

function isTypeOf(entry, eventType) {
  return eventType.length <= LONGEST_TYPE_IN_LEAF
    ? entry.eventType !== undefined && equal(entry.eventType, eventType)
    : entry.eventTypeHash !== undefined && equal(entry.eventTypeHash, hash(eventType));
}

// ------------------------------------------------------------------------------------------ bytes

/** Bytes, read from front to back. */
class Bytes {
  #bytes;
  #at = 0;
  #code;

  /** @param {string} code what it means if something is wrong with them */
  constructor(bytes, code) {
    this.#bytes = bytes;
    this.#code = code;
  }

  isEmpty() {
    return this.#at === this.#bytes.length;
  }

  take(count) {
    if (count > this.#bytes.length - this.#at) fail(this.#code);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  byte() {
    return this.take(1)[0];
  }

  /** Takes this byte, if it is what comes next. */
  takeByte(expected) {
    const found = this.#bytes[this.#at] === expected;
    if (found) this.#at++;
    return found;
  }

  /** Reads an unsigned LEB128 number of at most 53 bits, in its shortest form. */
  number() {
    let number = 0;
    for (let shift = 0; shift < 53; shift += 7) {
      const byte = this.byte();
      number += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if ((byte === 0 && shift > 0) || number > Number.MAX_SAFE_INTEGER) break;
        return number;
      }
    }
    return fail(this.#code);
  }

  /** Reads the head of a CBOR item: its kind and its argument, in the shortest form. */
  head() {
    const first = this.byte();
    const major = first >> 5;
    const small = first & 0x1f;
    if (small < 24) return [major, small];
    if (small > 27) fail(this.#code);
    const width = 1 << (small - 24);
    const argument = this.take(width).reduce((number, byte) => number * 256 + byte, 0);
    // A float is not an argument: all its bytes count.
    const isFloat = major === 7 && width === 8;
    const least = width === 1 ? 24 : 256 ** (width / 2);
    if (argument < least && !isFloat) fail(this.#code);
    return [major, argument];
  }

  text() {
    const [major, length] = this.head();
    if (major !== 3) fail(this.#code);
    return this.take(length);
  }

  /** Takes a key of a map. */
  field(name) {
    if (text(this.text()) !== name) fail(this.#code);
  }

  /** Passes over a key and its value, with all that is within. */
  skipField(name) {
    this.field(name);
    for (let left = 1; left > 0; left--) {
      const [major, argument] = this.head();
      if (major === 2 || major === 3) this.take(argument);
      else if (major === 4) left += argument;
      else if (major === 5) left += 2 * argument;
      else if (major === 6) left += 1;
    }
  }
}

function asBytes(value) {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return fail("ERR_INVALID_ARGUMENT", "blocks and proofs are given as bytes");
}

function readHash(hex) {
  if (typeof hex !== "string" || !/^[0-9a-f]{64}$/.test(hex)) {
    fail("ERR_INVALID_ARGUMENT", "a state hash is 64 hexadecimal digits");
  }
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function hash(...parts) {
  const hasher = sha256.create();
  for (const part of parts) hasher.update(part instanceof Uint8Array ? part : Uint8Array.from(part));
  return hasher.digest();
}

function u64(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

function equal(a, b) {
  return a.length === b.length && compare(a, b) === 0;
}

/** Text, or `undefined` where the bytes are none. */
function text(bytes) {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A node's CID: base32 in lower case, after its prefix `b`. */
function cidOf(digest) {
  let text = "b";
  let bits = 0;
  let held = 0;
  for (const byte of [...CID_PREFIX, ...digest]) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += "abcdefghijklmnopqrstuvwxyz234567"[(held >> (bits - 5)) & 31];
  }
  return text + "abcdefghijklmnopqrstuvwxyz234567"[(held << (5 - bits)) & 31];
}
