// The two notations of the vector files: IPLD values in JSON, and bytes in hex with repeats.
// docs/vectors/README.md describes both.

import { CID } from 'multiformats/cid';

/** The IPLD value, as `@ipld/dag-cbor` takes it, that a piece of typed JSON stands for. */
export function fromJson(json) {
  if (json === null || typeof json !== 'object') return json;
  if (Array.isArray(json)) return json.map(fromJson);
  if (Object.hasOwn(json, '/')) return fromForm(json['/']);
  return toMap(Object.entries(json));
}

function fromForm(form) {
  if (typeof form === 'string') return CID.parse(form);
  const [name] = Object.keys(form);
  switch (name) {
    case 'bytes': return new Uint8Array(Buffer.from(form.bytes, 'base64'));
    case 'int': return BigInt(form.int);
    case 'float': return Buffer.from(form.float, 'hex').readDoubleBE();
    case 'repeat': return form.repeat.repeat(form.times);
    case 'map': return toMap(form.map);
    case 'lists': return wrap(form.lists, form.around, (inner) => [inner]);
    case 'maps': return wrap(form.maps, form.around, (inner) => toMap([[form.key, inner]]));
    default: throw new Error(`no such form: ${name}`);
  }
}

// `defineProperty`, because assigning to `__proto__` would set the prototype instead.
function toMap(entries) {
  const map = {};
  for (const [key, value] of entries) {
    Object.defineProperty(map, key, {
      value: fromJson(value), enumerable: true, configurable: true, writable: true,
    });
  }
  return map;
}

function wrap(times, around, once) {
  let value = fromJson(around);
  for (let i = 0; i < times; i += 1) value = once(value);
  return value;
}

/** `a1(00*3)ff` → `a1000000ff` as bytes. */
export function fromHex(text) {
  const plain = text.replace(/\(([0-9a-f]+)\*(\d+)\)/g, (_, unit, times) => unit.repeat(Number(times)));
  if (plain.length % 2 !== 0 || !/^[0-9a-f]*$/.test(plain)) throw new Error(`not hex: ${text.slice(0, 80)}`);
  return new Uint8Array(Buffer.from(plain, 'hex'));
}

const LONGEST_UNIT = 3;
const SHORTEST_RUN = 32;

/** Bytes as hex, with runs of a short unit folded into `(unit*times)`. */
export function toHex(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const { unit, times } = runAt(bytes, at);
    const hex = Buffer.from(bytes.subarray(at, at + unit)).toString('hex');
    text += times === 1 ? hex : `(${hex}*${times})`;
    at += unit * times;
  }
  return text;
}

function runAt(bytes, at) {
  for (let unit = 1; unit <= LONGEST_UNIT; unit += 1) {
    let end = at + unit;
    while (end < bytes.length && bytes[end] === bytes[end - unit]) end += 1;
    const times = Math.floor((end - at) / unit);
    if (times * unit >= SHORTEST_RUN && times > 1) return { unit, times };
  }
  return { unit: 1, times: 1 };
}
