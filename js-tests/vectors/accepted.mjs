// Nodes with their canonical blocks: every content kind, every edge of every field.

import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';

import { seal } from './node.mjs';

const bytes = (hex) => ({ '/': { bytes: Buffer.from(hex, 'hex').toString('base64').replace(/=+$/, '') } });
const int = (decimal) => ({ '/': { int: decimal } });
const bits = (hex) => ({ '/': { float: hex } });
const map = (...entries) => ({ '/': { map: entries } });
const repeat = (text, times) => ({ '/': { repeat: text, times } });
const link = (cid) => ({ '/': cid });

function float(number) {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleBE(number);
  return bits(buffer.toString('hex'));
}

/** A CIDv1 whose digest is `length` bytes 0, 1, 2, …: links in content need not lead anywhere. */
function linkTo(codec, hash, length) {
  const digest = Uint8Array.from({ length }, (_, i) => i);
  return link(CID.createV1(codec, Digest.create(hash, digest)).toString());
}

const SHA2_256 = 0x12;
const SHA2_512 = 0x13;
const IDENTITY = 0x00;
const BLAKE3 = 0x1e;

const vectors = [];

/** Adds a vector. What it leaves out of the node is as in the first vector. */
function accept(name, node, sameAs = []) {
  const full = {
    content: 'node content',
    parents: [],
    event_type: 'proposal',
    scope_id: 'test-scope',
    timestamp: 0,
    ...node,
  };
  const { block, cid } = seal(full);
  vectors.push({ name, node: full, ...(sameAs.length > 0 && { same_as: sameAs }), block, cid: cid.toString() });
  return cid.toString();
}

const first = accept('the first vector', {});

// Content, kind by kind.
accept('content null', { content: null });
accept('content true', { content: true });
accept('content false', { content: false });

accept('content integer 0, also from 0.0 and -0.0', { content: 0 }, [float(0), float(-0)]);
accept('content integer 1, also from 1.0', { content: 1 }, [float(1)]);
for (const n of [23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
  accept(`content integer ${n}`, { content: n }, n === 2 ** 53 - 1 ? [float(n)] : []);
}
for (const n of [2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
  accept(`content integer ${n}`, { content: int(String(n)) });
}
for (const n of [-1, -24, -25, -256, -257, -65536, -65537, -(2 ** 32), -(2 ** 32) - 1, -(2 ** 53) + 1]) {
  accept(`content integer ${n}`, { content: n }, n === -1 || n === -(2 ** 53) + 1 ? [float(n)] : []);
}
for (const n of [-(2n ** 53n), -(2n ** 63n), -(2n ** 63n) - 1n, -(2n ** 64n)]) {
  accept(`content integer ${n}`, { content: int(String(n)) });
}

accept('content float 1.5', { content: float(1.5) });
accept('content float -0.1', { content: float(-0.1) });
accept('content float, smallest positive', { content: bits('0000000000000001') });
accept('content float, largest subnormal', { content: bits('000fffffffffffff') });
accept('content float, largest finite', { content: bits('7fefffffffffffff') });
accept('content float, smallest finite', { content: bits('ffefffffffffffff') });
accept('content float just above 1', { content: bits('3ff0000000000001') });
accept('content float 2^53 is beyond the safe integers and stays a float', { content: float(2 ** 53) });
accept('content float -2^53 stays a float', { content: float(-(2 ** 53)) });
accept('content float 2^64 stays a float', { content: float(2 ** 64) });
accept('content float 1e300 stays a float', { content: float(1e300) });
accept('content float 2^52 - 0.5, the largest that is not an integer', { content: float(2 ** 52 - 0.5) });

accept('content empty string', { content: '' });
for (const n of [23, 24, 255, 256, 65535, 65536]) {
  accept(`content string of ${n} bytes`, { content: repeat('x', n) });
}
accept('content empty bytes', { content: bytes('') });
accept('content one byte', { content: bytes('00') });
for (const n of [23, 24, 255, 256]) accept(`content ${n} bytes`, { content: bytes('ff'.repeat(n)) });
accept('content bytes that are no UTF-8', { content: bytes('fffec080eda080') });

accept('content empty list', { content: [] });
accept('content list of every kind', {
  content: [null, true, false, 1, -1, float(0.5), 'text', bytes('0102'), [], {}, link(first)],
});
for (const n of [23, 24, 255, 256]) accept(`content list of ${n}`, { content: Array.from({ length: n }, (_, i) => i % 10) });
accept('content empty map', { content: {} });
accept('content map of every kind', {
  content: {
    null: null, bool: true, integer: -7, float: float(2.5), string: 's', bytes: bytes('00'), list: [1], map: { a: 1 },
    link: link(first),
  },
});
for (const n of [23, 24, 256]) {
  accept(`content map of ${n}`, { content: Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, 0])) });
}
accept('content list of integers and floats side by side', { content: [1, float(1.25), 2, float(-1.25)] }, [
  [float(1), float(1.25), float(2), float(-1.25)],
]);
accept('content map with floats that are integers', { content: { a: 1, b: [0] } }, [{ a: float(1), b: [float(-0)] }]);
accept('content 127 lists deep', { content: { '/': { lists: 126, around: [] } } });
accept('content a scalar inside 127 lists', { content: { '/': { lists: 127, around: 0 } } });
accept('content 127 maps deep', { content: { '/': { maps: 127, key: 'a', around: null } } });
accept('content a link inside 127 lists: a link is no nesting', { content: { '/': { lists: 127, around: link(first) } } });
accept('content fills a block of exactly 1 MiB', { content: repeat('x', 2 ** 20 - 74) });

// Map keys: shorter first, then bytewise over UTF-8.
accept('keys shorter first', { content: map(['b', 1], ['aa', 2], ['', 0], ['a', 3], ['ab', 4]) });
accept('keys of equal length bytewise, upper case before lower', { content: map(['b', 1], ['B', 2], ['a', 3], ['A', 4]) });
accept('keys by length in bytes, not in UTF-16 units', { content: map(['\u00e9', 1], ['zz', 2], ['z', 3], ['\u20ac', 4]) });
accept('keys of equal byte length by UTF-8, where UTF-16 order differs', {
  content: map(['\u{10000}', 1], ['\uffffa', 2]),
});
accept('keys composed and decomposed are two keys', { content: map(['\u00e9', 1], ['e\u0301', 2]) });
accept('keys that look like array indices', { content: map(['10', 1], ['9', 2], ['0', 3], ['-1', 4]) });
accept('key __proto__', { content: map(['__proto__', { admin: true }]) });
accept('keys that objects inherit', { content: map(['constructor', 1], ['toString', 2], ['hasOwnProperty', 3]) });
accept('key of 256 bytes', { content: map(['k'.repeat(256), 1]) });
accept('key with NUL', { content: map(['\0', 1], ['a\0b', 2]) });
accept('key / alone', { content: map(['/', 'no link']) });
accept("keys named as the node's own, and v", {
  content: { content: 1, parents: [], scope_id: '', timestamp: -1, event_type: null, nonce: 0, v: 2 },
});

// Text is UTF-8, as given, never normalised.
accept('content of many scripts', { content: '\u0394\u05d0\u0639\u0939\u8a9e\ud55c \u{1f5f3}\ufe0f \u{10ffff}' });
accept('content composed', { content: '\u00e9' });
accept('content decomposed', { content: 'e\u0301' });
accept('content NUL and control characters', { content: '\u0000\u0001\u001f\u007f' });
accept('content noncharacters and a byte order mark inside', { content: '\ufffe\uffff\ufffd\ufeff' });
accept('content a byte order mark first', { content: '\ufefftext' });
accept('content nothing but a byte order mark', { content: '\ufeff' });

// Links in content: any well-formed CID.
accept('link, CIDv0', { content: link('QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG') });
accept('link, raw codec', { content: linkTo(0x55, SHA2_256, 32) });
accept('link, dag-pb as CIDv1', { content: linkTo(0x70, SHA2_256, 32) });
accept('link, dag-json (codec of two bytes)', { content: linkTo(0x129, SHA2_256, 32) });
accept('link, private codec of four bytes', { content: linkTo(0x300000, SHA2_256, 32) });
accept('link, codec 2^53-1, the largest that JavaScript holds', { content: linkTo(2 ** 53 - 1, SHA2_256, 32) });
accept('link, identity hash and no digest', { content: linkTo(0x55, IDENTITY, 0) });
accept('link, identity hash of 64 bytes', { content: linkTo(0x55, IDENTITY, 64) });
accept('link, sha2-512', { content: linkTo(0x71, SHA2_512, 64) });
accept('link, blake3', { content: linkTo(0x71, BLAKE3, 32) });
accept('link, sha2-256 cut to 20 bytes', { content: linkTo(0x71, SHA2_256, 20) });
accept('links in lists and maps', { content: { a: [link(first), linkTo(0x55, SHA2_256, 32)], b: { c: link(first) } } });

// Parents, in the order given.
const second = accept('one parent', { content: 'child', parents: [link(first)] });
accept('two parents', { content: 'merge', parents: [link(first), link(second)] });
accept('two parents, the other way round', { content: 'merge', parents: [link(second), link(first)] });
const many = Array.from({ length: 25 }, (_, i) => seal({
  content: i, parents: [], event_type: 'vote', scope_id: 'many', timestamp: i,
}).cid.toString());
accept('23 parents', { content: 'count', event_type: 'execution', parents: many.slice(0, 23).map(link) });
accept('25 parents', { content: 'count', event_type: 'execution', parents: many.map(link) });
accept('a link in content to the parent too', { content: link(first), parents: [link(first)] });

// Event types.
for (const type of ['genesis', 'proposal', 'vote', 'execution', 'attestation', 'receipt', 'anchor']) {
  accept(`event type ${type}`, { content: type, event_type: type });
}
accept('custom event type', { event_type: 'membership.joined' });
accept('custom event type, upper case is another type', { event_type: 'Proposal' });
accept('custom event type of one byte', { event_type: 'x' });
accept('custom event type, not ASCII', { event_type: '\u6295\u7968' });
accept('custom event type of 64 bytes', { event_type: 't'.repeat(64) });
accept('custom event type of 65 bytes', { event_type: 't'.repeat(65) });
accept('custom event type of 255 bytes', { event_type: 't'.repeat(255) });

// Scope ids.
accept('scope id of one byte', { scope_id: 's' });
accept('scope id of 255 bytes', { scope_id: 's'.repeat(255) });
accept('scope id of 255 bytes in 128 characters', { scope_id: `${'\u00e9'.repeat(127)}s` });
accept('scope id, not ASCII', { scope_id: '\u{1f5f3}\ufe0f coop' });
accept('scope id, NUL', { scope_id: '\0' });

// Timestamps.
for (const ms of [1, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 1735689600000, 2 ** 53 - 1]) {
  accept(`timestamp ${ms}`, { timestamp: ms });
}

// Nonces.
accept('nonce of one byte', { nonce: bytes('00') });
accept('nonce of one other byte', { nonce: bytes('01') });
accept('nonce of 24 bytes', { nonce: bytes('ab'.repeat(24)) });
accept('nonce of 64 bytes', { nonce: bytes('ff'.repeat(64)) });
accept('everything at once', {
  content: { vote: 'yes', weight: float(0.25), about: link(first) },
  parents: [link(second), link(first)],
  event_type: 'vote',
  scope_id: 'coop:food',
  timestamp: 1735689600000,
  nonce: bytes('000102030405060708090a0b0c0d0e0f'),
});

/** The accepted vectors, the one of the design first. */
export const accepted = vectors;

/** CIDs of the first vectors, for whoever needs real ones. */
export const known = { first, second };
