import { Decoder, utf8 } from "./decode.js";
import { DagStoreError } from "./error.js";
import { CID_TEXT } from "./id.js";

/** What stands before the values of a node's fields: its key, which the store has checked. */
const KEY_NONCE = 6;
const KEY_CONTENT = 8;
const KEY_PARENTS = 8;
const KEY_SCOPE_ID = 9;
const KEY_TIMESTAMP = 10;
const KEY_EVENT_TYPE = 11;
const LINK_BYTES = 41;

/** The first byte of an answer that is no error. */
const DONE = 0;

/** CIDs are decoded so many at once: one by one is slow, all at once keeps all of them in memory. */
const GROUP = 16;
/** After so many CIDs others may have their turn. */
const SLICE = 4096;

/** Reads what a call into wasm answers: numbers, little endian, CIDs as text, and nodes. */
export class Answer extends Decoder {
  /** Reads the result, or throws the error that is there instead. */
  result(read) {
    if (this.u8() === DONE) return read(this);
    throw this.error();
  }

  error() {
    const [code, message, cid, parent, commitId, at, cause] = Array.from({ length: 7 }, () => this.string());
    const details = { cid, parent, commitId, offset: at === "" ? undefined : Number(at) };
    return new DagStoreError(code, message, cause ? { ...details, cause: new Error(cause) } : details);
  }

  u8() {
    return this.bytes[this.at++];
  }

  u32() {
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  /** Reads an unsigned 64-bit number, which is a count of something and so no larger than 2^53. */
  u64() {
    const low = this.u32();
    return this.u32() * 0x100000000 + low;
  }

  /** Reads so many bytes of text. */
  utf8(length) {
    const start = this.at;
    this.at += length;
    return utf8.decode(this.bytes.subarray(start, this.at));
  }

  /** Reads text after its length. */
  string() {
    return this.utf8(this.u32());
  }

  cid() {
    return this.utf8(CID_TEXT);
  }

  cids(count = this.u32()) {
    const cids = [];
    for (let rest = count; rest > 0; rest -= GROUP) {
      const group = Math.min(rest, GROUP);
      const text = this.utf8(group * CID_TEXT);
      for (let i = 0; i < group; i++) cids.push(text.slice(i * CID_TEXT, (i + 1) * CID_TEXT));
    }
    return cids;
  }

  /** Reads CIDs, and yields where there are many. */
  *manyCids() {
    const count = this.u32();
    if (count <= SLICE) return this.cids(count);
    const cids = [];
    for (let rest = count; rest > 0; rest -= SLICE) {
      for (const cid of this.cids(Math.min(rest, SLICE))) cids.push(cid);
      yield;
    }
    return cids;
  }

  /** Reads a node and its CIDs, which come before its block as text; `undefined` for none. */
  node() {
    const length = this.u32();
    if (length === 0) return undefined;
    const parents = this.cids();
    const cid = parents.shift();
    const hasNonce = this.u8() === 0xa6;
    const nonce = hasNonce ? this.#after(KEY_NONCE).byteString() : undefined;
    const content = this.#after(KEY_CONTENT).value();
    this.#after(KEY_PARENTS).argument();
    const scopeId = this.#after(parents.length * LINK_BYTES + KEY_SCOPE_ID).text();
    const timestamp = this.#after(KEY_TIMESTAMP).argument();
    const eventType = this.#after(KEY_EVENT_TYPE).text();
    return hasNonce
      ? { cid, content, eventType, scopeId, timestamp, parents, nonce }
      : { cid, content, eventType, scopeId, timestamp, parents };
  }

  /** Reads only the node's block. */
  block() {
    const length = this.u32();
    if (length === 0) return undefined;
    const cids = this.u32();
    this.at += cids * CID_TEXT;
    return this.take(length);
  }

  /** Reads only the node's CID and its block. */
  named() {
    const length = this.u32();
    const cids = this.u32();
    const cid = this.cid();
    this.at += (cids - 1) * CID_TEXT;
    return { cid, block: this.take(length) };
  }

  /** Reads a list of the given kind of things. */
  list(read) {
    const list = [];
    for (let count = this.u32(); count > 0; count--) list.push(read(this));
    return list;
  }

  #after(length) {
    this.at += length;
    return this;
  }
}
