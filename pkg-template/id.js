import { asBytes } from "./bytes.js";
import { DagStoreError } from "./error.js";
import { cidBytes, decodeCidText } from "./link.js";

/** The bytes of a node's CID: version, codec, hash and digest length, then the digest. */
export const CID_BYTES = 36;
/** The characters of a node's CID in base32, its prefix included. */
export const CID_TEXT = 59;

const VERSION = 0x01;
const DAG_CBOR = 0x71;
const SHA2_256 = 0x12;
const DIGEST_BYTES = 0x20;

/** By character code: what it stands for in base32, or `WRONG`. */
const WRONG = 0x80;
const DIGITS = new Uint8Array(128).fill(WRONG);
for (let value = 0; value < 32; value++) {
  DIGITS["abcdefghijklmnopqrstuvwxyz234567".charCodeAt(value)] = value;
}

/**
 * Writes a node's CID, 36 bytes, given as text in any multibase, as bytes, or as a CID object.
 *
 * @param {unknown} id
 * @param {Uint8Array} bytes where to write
 * @param {number} at at which offset
 */
export function writeId(id, bytes, at) {
  if (typeof id === "string") {
    if (id.length !== CID_TEXT || !readBase32(id, bytes, at)) {
      put(decodeCidText(id) ?? refuse("it is not text in a known multibase"), bytes, at);
    }
  } else if (typeof id === "object" && id !== null) {
    put(asBytesOfCid(id) ?? refuse("it is neither text, nor bytes, nor a CID object"), bytes, at);
  } else {
    refuse(`it is ${id === null ? "null" : `of type ${typeof id}`}`);
  }
  check(bytes, at);
}

function asBytesOfCid(id) {
  try {
    return cidBytes(id) ?? asBytes(id);
  } catch (cause) {
    throw new DagStoreError("ERR_INVALID_CID", "invalid CID: it can't be read", { cause });
  }
}

function put(source, bytes, at) {
  if (source.length === 34 && source[0] === SHA2_256) refuse("a CIDv0; nodes have CIDv1");
  if (source.length !== CID_BYTES) {
    refuse(`it has ${source.length} bytes, and a node's CID has ${CID_BYTES}`);
  }
  bytes.set(source, at);
}

function check(bytes, at) {
  if (bytes[at] !== VERSION) refuse("it is not a CIDv1");
  if (bytes[at + 1] !== DAG_CBOR) refuse("the codec is not dag-cbor (0x71)");
  if (bytes[at + 2] !== SHA2_256) refuse("the hash is not sha2-256 (0x12)");
  if (bytes[at + 3] !== DIGEST_BYTES) refuse("the digest does not have 32 bytes");
}

function refuse(why) {
  throw new DagStoreError("ERR_INVALID_CID", `invalid CID: ${why}`);
}

/**
 * Reads base32 of 36 bytes; `false` if it isn't that. Eight digits make five bytes, seven times over, and
 * two digits the last: written out, since every id passes here, and a loop over digits takes twice as long.
 */
function readBase32(text, bytes, at) {
  if (text.charCodeAt(0) !== 0x62) return false;
  // These gather all characters and all digits, for one look at the end.
  let codes = 0;
  let digits = 0;
  for (let i = 1; i < 57; i += 8) {
    const c0 = text.charCodeAt(i);
    const c1 = text.charCodeAt(i + 1);
    const c2 = text.charCodeAt(i + 2);
    const c3 = text.charCodeAt(i + 3);
    const c4 = text.charCodeAt(i + 4);
    const c5 = text.charCodeAt(i + 5);
    const c6 = text.charCodeAt(i + 6);
    const c7 = text.charCodeAt(i + 7);
    const d0 = DIGITS[c0 & 0x7f];
    const d1 = DIGITS[c1 & 0x7f];
    const d2 = DIGITS[c2 & 0x7f];
    const d3 = DIGITS[c3 & 0x7f];
    const d4 = DIGITS[c4 & 0x7f];
    const d5 = DIGITS[c5 & 0x7f];
    const d6 = DIGITS[c6 & 0x7f];
    const d7 = DIGITS[c7 & 0x7f];
    codes |= c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7;
    digits |= d0 | d1 | d2 | d3 | d4 | d5 | d6 | d7;
    bytes[at] = (d0 << 3) | (d1 >> 2);
    bytes[at + 1] = (d1 << 6) | (d2 << 1) | (d3 >> 4);
    bytes[at + 2] = (d3 << 4) | (d4 >> 1);
    bytes[at + 3] = (d4 << 7) | (d5 << 2) | (d6 >> 3);
    bytes[at + 4] = (d6 << 5) | d7;
    at += 5;
  }
  const c0 = text.charCodeAt(57);
  const c1 = text.charCodeAt(58);
  const d0 = DIGITS[c0 & 0x7f];
  const d1 = DIGITS[c1 & 0x7f];
  codes |= c0 | c1;
  digits |= d0 | d1;
  bytes[at] = (d0 << 3) | (d1 >> 2);
  // Two bits are left over, which must be zero: one text for the same bytes.
  return codes < 0x80 && digits < WRONG && (d1 & 0b11) === 0;
}
