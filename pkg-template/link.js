import { isUint8Array } from "./bytes.js";
import { define } from "./define.js";
import { DagStoreError } from "./error.js";
import { decodeBase58, decodeMultibase, encodeBase32, encodeBase58 } from "./multibase.js";

/** Longer than a CID that a link may hold, in the most verbose multibase there is. */
const LONGEST_TEXT = 1024;
const LONGEST_DIGEST = 64;

/**
 * A link in a node's content: any CID, as a value. It has the shape of a `CID` of `multiformats`, whose
 * `CID.asCID(link)` takes it; and wherever this package wants a link, such a `CID` will do.
 */
export class Link {
  /** @param {Uint8Array} bytes a whole CID, which becomes the link's own */
  constructor(bytes) {
    const parts = isUint8Array(bytes) ? readCid(bytes) : undefined;
    if (parts === undefined) throw new DagStoreError("ERR_INVALID_CID", "the bytes are not a CID");
    const { version, code, hash, start } = parts;
    this.version = version;
    this.code = code;
    this.multihash = {
      code: hash,
      size: bytes.length - start.digest,
      digest: bytes.subarray(start.digest),
      bytes: bytes.subarray(start.hash),
    };
    this.bytes = bytes;
    // The mark by which serializers of IPLD know a link.
    this["/"] = bytes;
  }

  /** Reads a CID's text, in any multibase. */
  static parse(text) {
    const bytes = typeof text === "string" ? decodeCidText(text) : undefined;
    if (bytes === undefined) throw new DagStoreError("ERR_INVALID_CID", "the text is not a CID");
    return new Link(bytes);
  }

  /** Whether the other, a link or a `CID` of `multiformats`, names the same bytes. */
  equals(other) {
    const bytes = cidBytes(other);
    return bytes?.length === this.bytes.length && this.bytes.every((byte, i) => byte === bytes[i]);
  }

  toString() {
    return this.version === 0 ? encodeBase58(this.bytes) : encodeBase32(this.bytes);
  }

  toJSON() {
    return { "/": this.toString() };
  }

  static {
    define(this.prototype, Symbol.toStringTag, "CID");
  }
}

/**
 * The bytes of a CID object: ours, of any version of `multiformats`, or a structured clone of one.
 * Reads data properties only, so that none of the caller's code runs.
 *
 * @returns {Uint8Array | undefined}
 */
export function cidBytes(value) {
  if (typeof value !== "object" || value === null) return undefined;
  const bytes = own(value, "bytes");
  if (!isUint8Array(bytes)) return undefined;
  // Today's mark, and the one before it.
  return own(value, "/") === bytes || own(value, "asCID") === value ? bytes : undefined;
}

const own = (value, key) => Object.getOwnPropertyDescriptor(value, key)?.value;

/** The bytes that a CID's text stands for; they may yet be no CID. */
export function decodeCidText(text) {
  if (text.length > LONGEST_TEXT) return undefined;
  return text.length === 46 && text.startsWith("Qm") ? decodeBase58(text) : decodeMultibase(text);
}

/** Takes a CID apart; `undefined` where it is none, or is not written as short as can be. */
function readCid(bytes) {
  if (bytes.length === 34 && bytes[0] === 0x12 && bytes[1] === 0x20) {
    return { version: 0, code: 0x70, hash: 0x12, start: { hash: 0, digest: 2 } };
  }
  const at = { next: 0 };
  const version = readVarint(bytes, at);
  const code = readVarint(bytes, at);
  const start = { hash: at.next, digest: 0 };
  const hash = readVarint(bytes, at);
  const size = readVarint(bytes, at);
  start.digest = at.next;
  const whole = size <= LONGEST_DIGEST && at.next + size === bytes.length;
  return version === 1 && whole ? { version, code, hash, start } : undefined;
}

/** Reads an unsigned varint; NaN where it is cut short, too long, or has zeros at its end. */
function readVarint(bytes, at) {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = bytes[at.next++];
    if (byte === undefined || (byte === 0 && i > 0)) return NaN;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  return NaN;
}
