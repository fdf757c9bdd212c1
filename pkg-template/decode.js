import { define } from "./define.js";
import { Link } from "./link.js";

const LIST_MAJOR = 4;
const TAG_BYTES = 2;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
/** 2^53, by its upper half: what is below is a number, what is above a BigInt. */
const SAFE_HIGH = 0x200000;
/** Up to so many bytes, a text is looked for among those that were read before. */
const SHORT = 32;

// A byte order mark is text like any other.
export const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Texts that recur (keys, event types, scopes), by a hash of their bytes. */
const remembered = new Array(256).fill(undefined);

/**
 * Reads DAG-CBOR that the store has checked: canonical, within bounds, nested no deeper than its limit.
 * What it gives is made of copies.
 */
export class Decoder {
  /**
   * @param {Uint8Array} bytes
   * @param {number} at where to begin
   */
  constructor(bytes, at) {
    this.reset(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at);
  }

  reset(bytes, view, at) {
    this.bytes = bytes;
    this.view = view;
    this.at = at;
  }

  /** Reads any value. */
  value() {
    const first = this.bytes[this.at];
    switch (first >> 5) {
      case 0:
        return this.argument();
      case 1:
        return negative(this.argument());
      case 2:
        return this.byteString();
      case 3:
        return this.text();
      case LIST_MAJOR:
        return this.#list();
      case 5:
        return this.#map();
      case 6:
        return this.#link();
      default:
        this.at++;
        return this.#simple(first);
    }
  }

  /** Reads an item's head, and gives the number in it. */
  argument() {
    const info = this.bytes[this.at++] & 0x1f;
    if (info < 24) return info;
    const { at } = this;
    switch (info) {
      case 24:
        this.at += 1;
        return this.bytes[at];
      case 25:
        this.at += 2;
        return this.view.getUint16(at);
      case 26:
        this.at += 4;
        return this.view.getUint32(at);
      default: {
        this.at += 8;
        const high = this.view.getUint32(at);
        if (high >= SAFE_HIGH) return this.view.getBigUint64(at);
        return high * 0x100000000 + this.view.getUint32(at + 4);
      }
    }
  }

  byteString() {
    const length = this.argument();
    return this.take(length);
  }

  text() {
    const length = this.argument();
    if (length <= SHORT) return this.#shortText(length);
    const start = this.at;
    this.at += length;
    return utf8.decode(this.bytes.subarray(start, this.at));
  }

  /** Copies the next bytes. */
  take(length) {
    const start = this.at;
    this.at += length;
    return this.bytes.slice(start, this.at);
  }

  #shortText(length) {
    if (length === 0) return "";
    const { bytes, at } = this;
    this.at += length;
    const hash = (length * 31 + bytes[at] * 7 + bytes[at + length - 1] * 13 + bytes[at + (length >> 1)]) & 0xff;
    const known = remembered[hash];
    if (known !== undefined && same(known.bytes, bytes, at, length)) return known.text;
    const copy = bytes.slice(at, this.at);
    const text = utf8.decode(copy);
    remembered[hash] = { bytes: copy, text };
    return text;
  }

  #list() {
    const length = this.argument();
    const list = [];
    for (let i = 0; i < length; i++) list.push(this.value());
    return list;
  }

  #map() {
    const size = this.argument();
    const map = {};
    for (let i = 0; i < size; i++) {
      const key = this.text();
      const value = this.value();
      // One that is inherited (`__proto__`, or what a page has added) is defined, any other assigned.
      if (key in map) define(map, key, value, true);
      else map[key] = value;
    }
    return map;
  }

  #link() {
    this.at += TAG_BYTES;
    return new Link(this.byteString().slice(1));
  }

  #simple(first) {
    switch (first) {
      case FALSE:
        return false;
      case TRUE:
        return true;
      case NULL:
        return null;
      default:
        this.at += 8;
        return this.view.getFloat64(this.at - 8);
    }
  }
}

function negative(argument) {
  const value = -1 - Number(argument);
  return Number.isSafeInteger(value) ? value : -1n - BigInt(argument);
}

function same(known, bytes, at, length) {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[at + i]) return false;
  return true;
}
