import { asBytes } from "./bytes.js";
import { DagStoreError } from "./error.js";
import { cidBytes } from "./link.js";

const UNSIGNED = 0 << 5;
const NEGATIVE = 1 << 5;
const BYTES = 2 << 5;
const TEXT = 3 << 5;
const LIST = 4 << 5;
const MAP = 5 << 5;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const FLOAT64 = 0xfb;

/** Longer than any CID that a link may hold. */
const LONGEST_CID = 128;
const BEYOND = 2n ** 64n;
/** Up to so many characters, a loop is faster than a TextEncoder. */
const SHORT = 32;
const SURROGATE = /\p{Surrogate}/u;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]{0,63}$/u;

const utf8 = new TextEncoder();
const forEachOfMap = Map.prototype.forEach;
const getOfMap = Map.prototype.get;
const sizeOfMap = Object.getOwnPropertyDescriptor(Map.prototype, "size").get;

/**
 * Writes canonical DAG-CBOR from JavaScript values, which it does not trust: whatever a value is or
 * does, the outcome is bytes or a {@link DagStoreError} that says where in the value the trouble is.
 *
 * Of a caller's code only a proxy's can run here (or a getter that stands in an array). It may do what
 * it likes, even call the store: that call uses an encoder of its own.
 */
export class Encoder {
  bytes = new Uint8Array(1 << 16);
  at = 0;
  #view = new DataView(this.bytes.buffer);
  #start = 0;
  /** Where a block of the size allowed would end. */
  #limit = 0;
  #limits;
  #depth = 0;
  /** Where in the value we are: keys and indexes, of which the first `#place` count. */
  #path = [];
  #place = 0;
  /** An error of our own, on its way up. */
  #refusal;

  /** What to throw where encoding has thrown this: our own errors as they are, others as a cause. */
  explain(cause) {
    if (this.#refusal !== undefined && cause === this.#refusal) return cause;
    return new DagStoreError("ERR_INVALID_NODE", this.#say("can't be read"), { cause });
  }

  /** From here to `leave`, an error names this key or index. */
  enter(key) {
    this.#path[this.#place++] = key;
  }

  leave() {
    this.#place--;
  }

  /** Refuses the value, naming the place where we are. */
  fail(why, code = "ERR_INVALID_NODE", details) {
    throw (this.#refusal = new DagStoreError(code, this.#say(why), details));
  }

  /** Begins a node, at this place among others if it is one of many. */
  beginNode(index) {
    this.#refusal = undefined;
    this.#place = 0;
    if (index !== undefined) this.enter(index);
  }

  /** Begins a block, for which these limits hold. */
  begin(limits) {
    this.#limits = limits;
    this.#start = this.at;
    this.#limit = this.at + limits.blockBytes;
    this.#depth = 0;
  }

  /** Ends the block, and gives its length. */
  end() {
    if (this.at > this.#limit) this.#tooLarge();
    return this.at - this.#start;
  }

  /** Makes room for so many bytes. */
  reserve(size) {
    if (this.at + size > this.bytes.length) this.#grow(size);
  }

  /** Writes the head of an item. */
  head(major, value) {
    this.reserve(9);
    const { bytes } = this;
    if (value < 24) {
      bytes[this.at++] = major | value;
    } else if (value < 0x100) {
      bytes[this.at++] = major | 24;
      bytes[this.at++] = value;
    } else if (value < 0x10000) {
      bytes[this.at++] = major | 25;
      bytes[this.at++] = value >> 8;
      bytes[this.at++] = value;
    } else if (value < 0x100000000) {
      bytes[this.at++] = major | 26;
      this.#view.setUint32(this.at, value);
      this.at += 4;
    } else {
      bytes[this.at++] = major | 27;
      this.#view.setUint32(this.at, Math.floor(value / 0x100000000));
      this.#view.setUint32(this.at + 4, value);
      this.at += 8;
    }
  }

  /** Writes an integer of 0 or more. */
  unsigned(value) {
    this.head(UNSIGNED, value);
  }

  /** Writes the head of a list of these values, and gives their number. */
  list(values) {
    const { length } = values;
    if (!Number.isSafeInteger(length) || length < 0) this.fail("has no length");
    this.#require(length);
    this.head(LIST, length);
    return length;
  }

  /** Writes the head of a map. */
  map(size) {
    this.head(MAP, size);
  }

  /** Writes a few bytes that are encoded already. */
  literal(bytes) {
    const { length } = bytes;
    this.reserve(length);
    for (let i = 0; i < length; i++) this.bytes[this.at++] = bytes[i];
  }

  /** Writes a byte string. */
  byteString(bytes) {
    this.#require(bytes.length);
    this.head(BYTES, bytes.length);
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Writes a link to a CID, whose form the store checks. */
  link(cid) {
    if (cid.length > LONGEST_CID) this.fail(`is a link of ${cid.length} bytes`);
    this.linkHead(cid.length);
    this.reserve(cid.length);
    this.bytes.set(cid, this.at);
    this.at += cid.length;
  }

  /** Writes what comes before a link's CID: tag 42, a byte string, the prefix of binary CIDs. */
  linkHead(length) {
    this.reserve(5);
    this.bytes[this.at++] = 0xd8;
    this.bytes[this.at++] = 42;
    this.head(BYTES, 1 + length);
    this.bytes[this.at++] = 0x00;
  }

  /** Writes text, and gives its length in bytes. */
  text(value) {
    const { length } = value;
    this.#require(length);
    // In UTF-8 each code unit takes three bytes at most.
    this.reserve(9 + 3 * length);
    if (length <= SHORT && this.#ascii(value)) return length;
    // Most text is ASCII, so the head is taken to be as long as that would make it.
    const start = this.at + headLength(length);
    const { written } = utf8.encodeInto(value, this.bytes.subarray(start));
    if (written !== length) {
      if (SURROGATE.test(value)) this.fail("has half a surrogate pair, which UTF-8 can't express");
      const moved = this.at + headLength(written);
      if (moved !== start) this.bytes.copyWithin(moved, start, start + written);
    }
    this.head(TEXT, written);
    this.at += written;
    return written;
  }

  /** Writes short text if it is ASCII; room is there. */
  #ascii(value) {
    const { length } = value;
    const { bytes } = this;
    let at = this.at;
    if (length < 24) {
      bytes[at++] = TEXT | length;
    } else {
      bytes[at++] = TEXT | 24;
      bytes[at++] = length;
    }
    let codes = 0;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      codes |= code;
      bytes[at++] = code;
    }
    if (codes > 0x7f) return false;
    this.at = at;
    return true;
  }

  /** Writes any value that IPLD has a place for. */
  value(value) {
    switch (typeof value) {
      case "string":
        this.text(value);
        break;
      case "number":
        this.#number(value);
        break;
      case "boolean":
        this.#byte(value ? TRUE : FALSE);
        break;
      case "bigint":
        this.#bigint(value);
        break;
      case "object":
        if (value === null) this.#byte(NULL);
        else this.#object(value);
        break;
      default:
        this.fail(`is ${value === undefined ? "undefined" : `a ${typeof value}`}`);
    }
  }

  #byte(byte) {
    this.reserve(1);
    this.bytes[this.at++] = byte;
  }

  #number(value) {
    if (Number.isSafeInteger(value)) {
      if (value < 0) this.head(NEGATIVE, -1 - value);
      else this.head(UNSIGNED, value);
    } else if (Number.isFinite(value)) {
      this.reserve(9);
      this.bytes[this.at++] = FLOAT64;
      this.#view.setFloat64(this.at, value);
      this.at += 8;
    } else {
      this.fail(`is ${value}`);
    }
  }

  #bigint(value) {
    const magnitude = value < 0n ? -1n - value : value;
    if (magnitude >= BEYOND) this.fail("is beyond the integers of IPLD (-2^64 to 2^64 - 1)");
    const major = value < 0n ? NEGATIVE : UNSIGNED;
    if (magnitude <= 0xffffffffn) {
      this.head(major, Number(magnitude));
    } else {
      this.reserve(9);
      this.bytes[this.at++] = major | 27;
      this.#view.setBigUint64(this.at, magnitude);
      this.at += 8;
    }
  }

  #object(value) {
    if (Array.isArray(value)) return this.#array(value);
    if (isPlain(value)) return this.#plain(value);
    const bytes = asBytes(value);
    if (bytes !== undefined) return this.byteString(bytes);
    const cid = cidBytes(value);
    if (cid !== undefined) return this.link(cid);
    if (isMap(value)) return this.#ofMap(value);
    this.fail(`is ${describe(value)}, which would come back as something else`);
  }

  #array(values) {
    this.#deeper();
    const length = this.list(values);
    const place = this.#place++;
    for (let i = 0; i < length; i++) {
      this.#path[place] = i;
      this.value(this.element(values, i));
    }
    this.#place = place;
    this.#depth--;
  }

  #plain(value) {
    const keys = Object.keys(value);
    // A structured clone of a CID is a plain object.
    const cid = keys.includes("/") ? cidBytes(value) : undefined;
    if (cid !== undefined) return this.link(cid);
    if (Object.getOwnPropertySymbols(value).length > 0) this.fail("has a symbol for a key");
    this.#map(keys, value, false);
  }

  #ofMap(map) {
    const keys = [];
    forEachOfMap.call(map, (_, key) => {
      if (typeof key !== "string") this.fail(`is a Map with a key of type ${typeof key}`);
      keys.push(key);
    });
    this.#map(keys, map, true);
  }

  #map(keys, holder, isMap) {
    const { length } = keys;
    this.#require(2 * length);
    this.#deeper();
    sortKeys(keys);
    this.map(length);
    const place = this.#place++;
    for (let i = 0; i < length; i++) {
      const key = keys[i];
      this.#path[place] = key;
      this.text(key);
      this.value(isMap ? getOfMap.call(holder, key) : this.property(holder, key));
    }
    this.#place = place;
    this.#depth--;
  }

  /** Reads a property of a caller's object, which must not be an accessor. */
  property(holder, key) {
    const property = Object.getOwnPropertyDescriptor(holder, key);
    if (property === undefined) this.fail("is not there any more");
    // Not asked for `get`: a page may have given every object one.
    if (!Object.hasOwn(property, "value")) this.fail("is a getter or setter");
    return property.value;
  }

  /** Reads an element of a caller's array. A hole has none, even if a page gave Array.prototype some. */
  element(values, i) {
    return i in Array.prototype && !Object.hasOwn(values, i) ? undefined : values[i];
  }

  #deeper() {
    if (++this.#depth > this.#limits.contentDepth) {
      const deepest = this.#limits.contentDepth;
      this.fail(`is nested deeper than the limit of ${deepest} (or within itself)`, "ERR_LIMIT");
    }
  }

  /** Refuses early what can't fit into the block. */
  #require(size) {
    if (this.at + size > this.#limit) this.#tooLarge();
  }

  #tooLarge() {
    this.fail(`is more than the block has room for (${this.#limits.blockBytes} bytes)`, "ERR_LIMIT");
  }

  #grow(size) {
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.at + size));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  /** What is wrong, after the place where we are. */
  #say(why) {
    let place = "";
    const path = this.#path.slice(0, this.#place);
    // Nobody reads a hundred keys; where it began and where it ended will do.
    if (path.length > 12) path.splice(6, path.length - 12, null);
    for (const key of path) {
      if (key === null) place += "…";
      else if (typeof key === "number") place += `[${key}]`;
      else if (!IDENTIFIER.test(key)) place += `[${JSON.stringify(key.slice(0, 64))}]`;
      else place += place === "" ? key : `.${key}`;
    }
    return `${place || "the node"} ${why}`;
  }
}

/** How long the head of an item is. */
function headLength(value) {
  if (value < 24) return 1;
  if (value < 0x100) return 2;
  return value < 0x10000 ? 3 : 5;
}

/** Whether an object is plain: its prototype is none, or an `Object.prototype` of whichever realm. */
export function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    Object.getPrototypeOf(prototype) === null
  );
}

function isMap(value) {
  try {
    sizeOfMap.call(value);
    return true;
  } catch {
    return false;
  }
}

/** Names an object's class, looking at data properties only. */
function describe(value) {
  const own = (holder, key) => Object.getOwnPropertyDescriptor(holder, key)?.value;
  const type = own(Object.getPrototypeOf(value), "constructor");
  const name = typeof type === "function" ? own(type, "name") : undefined;
  return typeof name === "string" && name !== "" ? `of class ${name.slice(0, 64)}` : "of a class";
}

/** Sorts a map's keys as DAG-CBOR wants them: by their length in UTF-8, then by their bytes. */
function sortKeys(keys) {
  // Keys that come from a node of ours are sorted already.
  for (let i = 1; i < keys.length; i++) {
    if (compareKeys(keys[i - 1], keys[i]) > 0) return keys.sort(compareKeys);
  }
}

function compareKeys(a, b) {
  return utf8Length(a) - utf8Length(b) || compareCodePoints(a, b);
}

function utf8Length(text) {
  let { length } = text;
  for (let i = text.length - 1; i >= 0; i--) {
    const code = text.charCodeAt(i);
    // Each half of a surrogate pair makes two of its four bytes.
    if (code > 0x7f) length += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return length;
}

/** Compares as UTF-8 does: by code points, where UTF-16 has surrogates before U+E000. */
export function compareCodePoints(a, b) {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function rank(code) {
  if (code < 0xd800) return code;
  return code < 0xe000 ? code + 0x2000 : code - 0x800;
}
