import { asBytes } from "./bytes.js";
import { Encoder, isPlain } from "./encode.js";
import { DagStoreError } from "./error.js";
import { CID_BYTES, writeId } from "./id.js";

/**
 * A record is how a block crosses into wasm: its length (four bytes, little endian), a byte that says
 * whether a CID is claimed for it, that CID if so, and the block. Records stand one after another.
 */
export const HEAD_BYTES = 5;
/** An encoder that has grown larger than this, for a large value, is left to the garbage collector. */
const KEPT_BYTES = 4 << 20;

const LONGEST_NAME = 255;
const LONGEST_NONCE = 64;

const key = (name) => [0x60 | name.length, ...new TextEncoder().encode(name)];
const NONCE = key("nonce");
const CONTENT = key("content");
const PARENTS = key("parents");
const SCOPE_ID = key("scope_id");
const TIMESTAMP = key("timestamp");
const EVENT_TYPE = key("event_type");

const spare = [];

/**
 * Borrows an encoder, to be given back. Whoever a caller's proxy calls meanwhile borrows another.
 *
 * @returns {Encoder}
 */
export function borrowEncoder() {
  const encoder = spare.pop() ?? new Encoder();
  encoder.at = 0;
  return encoder;
}

export function giveBack(encoder) {
  if (encoder.bytes.length <= KEPT_BYTES) spare.push(encoder);
}

/** Encodes one node as a record. */
export function encodeNode(encoder, node, limits, index) {
  encoder.beginNode(index);
  try {
    writeNode(encoder, node, limits);
  } catch (cause) {
    throw encoder.explain(cause);
  }
}

/** Copies a block from outside, as a record. */
export function encodeBlock(encoder, block, limits) {
  const bytes = asBytes(block);
  if (bytes === undefined) {
    throw new DagStoreError("ERR_INVALID_ARGUMENT", "a block is given as bytes");
  }
  if (bytes.length > limits.blockBytes) {
    const message = `bytes of the block: ${bytes.length}, and the limit is ${limits.blockBytes}`;
    throw new DagStoreError("ERR_LIMIT", message);
  }
  const start = begin(encoder, undefined);
  encoder.reserve(bytes.length);
  encoder.bytes.set(bytes, encoder.at);
  encoder.at += bytes.length;
  finish(encoder, start, bytes.length);
}

/** Encodes ids, one after another. */
export function encodeIds(encoder, ids, limits) {
  let count = 0;
  for (const id of iterable(ids, "ids")) {
    if (count++ === limits.batchOperations) overfull("ids in one call", limits.batchOperations);
    encodeId(encoder, id);
  }
}

/** Copies one id, or an iterable of them. */
export function readIds(ids, limits) {
  const encoder = borrowEncoder();
  try {
    if (isOne(ids)) encodeId(encoder, ids);
    else encodeIds(encoder, ids, limits);
    return encoder.bytes.slice(0, encoder.at);
  } finally {
    giveBack(encoder);
  }
}

function isOne(ids) {
  return typeof ids !== "object" || ids === null || asBytes(ids) !== undefined || typeof ids[Symbol.iterator] !== "function";
}

/** Encodes one id. */
export function encodeId(encoder, id) {
  encoder.reserve(CID_BYTES);
  writeId(id, encoder.bytes, encoder.at);
  encoder.at += CID_BYTES;
}

function iterable(values, what) {
  if (typeof values !== "string" && typeof values?.[Symbol.iterator] === "function") return values;
  throw new DagStoreError("ERR_INVALID_ARGUMENT", `${what} must be iterable`);
}

/** Ends a call early that the store would refuse anyway, such as one over an endless iterable. */
export function overfull(what, limit) {
  throw new DagStoreError("ERR_LIMIT", `${what}: more than the limit of ${limit}`);
}

function writeNode(encoder, node, limits) {
  if (typeof node !== "object" || node === null || Array.isArray(node) || !isPlain(node)) {
    encoder.fail("must be a plain object");
  }
  let cid;
  let content;
  let eventType;
  let scopeId;
  let timestamp;
  let parents;
  let nonce;
  for (const key of Object.keys(node)) {
    encoder.enter(key);
    const value = encoder.property(node, key);
    switch (key) {
      case "cid":
        cid = value;
        break;
      case "content":
        content = value;
        break;
      case "eventType":
        eventType = value;
        break;
      case "scopeId":
        scopeId = value;
        break;
      case "timestamp":
        timestamp = value;
        break;
      case "parents":
        parents = value;
        break;
      case "nonce":
        nonce = value;
        break;
      default:
        encoder.fail("is a key that nodes don't have");
    }
    encoder.leave();
  }

  const start = begin(encoder, cid);
  encoder.begin(limits);
  encoder.map(nonce === undefined ? 5 : 6);
  if (nonce !== undefined) {
    encoder.literal(NONCE);
    writeNonce(encoder, nonce);
  }
  encoder.literal(CONTENT);
  encoder.enter("content");
  encoder.value(content);
  encoder.leave();
  encoder.literal(PARENTS);
  writeParents(encoder, parents);
  encoder.literal(SCOPE_ID);
  writeName(encoder, "scopeId", scopeId);
  encoder.literal(TIMESTAMP);
  writeTimestamp(encoder, timestamp);
  encoder.literal(EVENT_TYPE);
  writeName(encoder, "eventType", eventType);
  finish(encoder, start, encoder.end());
}

function begin(encoder, claim) {
  encoder.reserve(HEAD_BYTES + CID_BYTES);
  const start = encoder.at;
  encoder.bytes[start + 4] = claim === undefined ? 0 : 1;
  encoder.at += HEAD_BYTES;
  if (claim !== undefined) {
    encoder.enter("cid");
    writeIdOf(encoder, claim);
    encoder.leave();
  }
  return start;
}

function finish({ bytes }, start, length) {
  bytes[start] = length;
  bytes[start + 1] = length >> 8;
  bytes[start + 2] = length >> 16;
  bytes[start + 3] = length >> 24;
}

function writeParents(encoder, parents = []) {
  encoder.enter("parents");
  if (!Array.isArray(parents)) encoder.fail("must be an array of ids");
  const count = encoder.list(parents);
  for (let i = 0; i < count; i++) {
    encoder.enter(i);
    encoder.linkHead(CID_BYTES);
    writeIdOf(encoder, encoder.element(parents, i));
    encoder.leave();
  }
  encoder.leave();
}

/** Writes an id that stands in a node. */
function writeIdOf(encoder, id) {
  try {
    encodeId(encoder, id);
  } catch (cause) {
    encoder.fail("is not the CID of a node", "ERR_INVALID_CID", { cause });
  }
}

function writeName(encoder, field, value) {
  encoder.enter(field);
  if (typeof value !== "string") encoder.fail(value === undefined ? "is missing" : "must be a string");
  const length = encoder.text(value);
  if (length < 1 || length > LONGEST_NAME) {
    encoder.fail(`has ${length} bytes in UTF-8, and must have 1 to ${LONGEST_NAME}`);
  }
  encoder.leave();
}

function writeTimestamp(encoder, value = Date.now()) {
  encoder.enter("timestamp");
  if (!Number.isSafeInteger(value) || value < 0) {
    encoder.fail("must be a whole number of milliseconds, from 0 to 2^53 - 1");
  }
  encoder.unsigned(value);
  encoder.leave();
}

function writeNonce(encoder, value) {
  encoder.enter("nonce");
  const bytes = asBytes(value);
  if (bytes === undefined) encoder.fail("must be bytes");
  if (bytes.length < 1 || bytes.length > LONGEST_NONCE) {
    encoder.fail(`has ${bytes.length} bytes, and must have 1 to ${LONGEST_NONCE}`);
  }
  encoder.byteString(bytes);
  encoder.leave();
}
