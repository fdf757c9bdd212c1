// Blocks that are refused. Each is the first vector's block with one fault, written as bytes by hand:
// no encoder worth using would write them.

import { CID } from 'multiformats/cid';

import { known } from './accepted.mjs';
import { fromHex } from './typed-json.mjs';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const text = (string) => {
  const utf8 = Buffer.from(string);
  if (utf8.length > 23) throw new Error('one-byte heads only');
  return (0x60 + utf8.length).toString(16) + hex(utf8);
};

// The fields of the first vector, key and value, in canonical order.
const KEYS = ['nonce', 'content', 'parents', 'scope_id', 'timestamp', 'event_type'];
const FIELDS = {
  content: text('node content'),
  parents: '80',
  scope_id: text('test-scope'),
  timestamp: '00',
  event_type: text('proposal'),
};

/** The first vector's block with other values (hex) for some fields, without those that are undefined. */
function node(changes = {}) {
  const fields = { ...FIELDS, ...changes };
  return mapOf(KEYS.filter((key) => fields[key] !== undefined).map((key) => [text(key), fields[key]]));
}

/** A map of the given entries, in that order. */
function mapOf(entries) {
  return (0xa0 + entries.length).toString(16) + entries.flat().join('');
}

const entries = Object.entries(FIELDS).map(([key, value]) => [text(key), value]);
const entry = (key) => entries.find(([k]) => k === text(key));
const others = (key) => entries.filter(([k]) => k !== text(key));

const vectors = [];

function refuse(name, block, error = 'ERR_INVALID_NODE') {
  vectors.push({ name, block: fromHex(block), error });
}

// The block as a whole.
refuse('nothing', '');
refuse('only the head of the map', 'a5');
refuse('cut in the middle', node().slice(0, 80));
refuse('cut by one byte', node().slice(0, -2));
refuse('a byte too many', `${node()}00`);
refuse('a second node behind the first', node() + node());
refuse('a list', '80');
refuse('a list around the node', `81${node()}`);
refuse('a string', text('node content'));
refuse('an integer', '00');
refuse('null', 'f6');
refuse('a link', `d82a5825${prefixed(known.first)}`);
refuse('an empty map', 'a0');
refuse('the self-described CBOR tag before the node', `d9d9f7${node()}`);
refuse('the map in indefinite length', `bf${entries.flat().join('')}ff`);
refuse('the map with its length in two bytes', `b805${entries.flat().join('')}`);
refuse('the map with its length in three bytes', `b90005${entries.flat().join('')}`);
refuse('the map claims one entry more than it has', `a6${entries.flat().join('')}`);
refuse('the map claims one entry less than it has', `a4${entries.flat().join('')}`);
refuse('the map claims 2^63 entries', `bb8000000000000000${entries.flat().join('')}`);
refuse('a block of 1 MiB and a byte', node({ content: `7a000fffb7(78*${2 ** 20 - 73})` }), 'ERR_LIMIT');

// Its keys.
for (const key of Object.keys(FIELDS)) refuse(`without ${key}`, node({ [key]: undefined }));
refuse('content and parents in the wrong order', mapOf([entries[1], entries[0], ...entries.slice(2)]));
refuse('keys in alphabetical order', mapOf([...entries].sort(([a], [b]) => (a.slice(2) < b.slice(2) ? -1 : 1))));
refuse('keys in reverse order', mapOf([...entries].reverse()));
refuse('nonce last', mapOf([...entries, [text('nonce'), '4101']]));
for (const key of Object.keys(FIELDS)) {
  refuse(`${key} twice`, mapOf(entries.flatMap((e) => (e === entry(key) ? [e, e] : [e]))));
}
refuse('nonce twice', mapOf([[text('nonce'), '4101'], [text('nonce'), '4101'], ...entries]));
refuse('a short key nobody knows', mapOf([[text('x'), '00'], ...entries]));
refuse('a long key nobody knows', mapOf([...entries, [text('event_type2'), '00']]));
refuse('a key nobody knows, in the place of content', mapOf([[text('contens'), FIELDS.content], ...others('content')]));
refuse('Content with a capital', mapOf([[text('Content'), FIELDS.content], ...others('content')]));
refuse('an empty key', mapOf([['60', '00'], ...entries]));
refuse('an integer as key', mapOf([['00', '00'], ...entries]));
refuse('bytes as key', mapOf([[`47${hex(Buffer.from('content'))}`, FIELDS.content], ...others('content')]));
refuse('a key with its length in two bytes', mapOf([[`7807${hex(Buffer.from('content'))}`, FIELDS.content], ...others('content')]));
refuse('a key in indefinite length', mapOf([[`7f${text('content')}ff`, FIELDS.content], ...others('content')]));

// Another version: `v` sorts before every key of this one.
refuse('v 1', mapOf([[text('v'), '01'], ...entries]), 'ERR_UNSUPPORTED_VERSION');
refuse('v 2', mapOf([[text('v'), '02'], ...entries]), 'ERR_UNSUPPORTED_VERSION');
refuse('v as text', mapOf([[text('v'), text('1')], ...entries]), 'ERR_UNSUPPORTED_VERSION');
refuse('v and keys of a later format', mapOf([
  [text('v'), '02'], [text('author'), '4101'], ...entries, [text('signature'), '4102'],
].sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))), 'ERR_UNSUPPORTED_VERSION');
refuse('an empty map, and v behind it', 'a0617602');
refuse('v and nothing else', mapOf([[text('v'), '02']]), 'ERR_UNSUPPORTED_VERSION');

// Content: one value has one encoding.
function content(name, value, error) {
  refuse(`content ${name}`, node({ content: value }), error);
}
content('integer 0 in two bytes', '1800');
content('integer 23 in two bytes', '1817');
content('integer 255 in three bytes', '1900ff');
content('integer 65535 in five bytes', '1a0000ffff');
content('integer 2^32-1 in nine bytes', '1b00000000ffffffff');
content('integer -1 in two bytes', '3800');
content('integer -24 in two bytes', '3817');
content('integer -256 in three bytes', '3900ff');
content('integer -65536 in five bytes', '3a0000ffff');
content('integer -2^32 in nine bytes', '3b00000000ffffffff');
content('empty string with its length in two bytes', '7800');
content('string with its length in two bytes', '780161');
content('string with its length in three bytes', '79000161');
content('string with its length in five bytes', '7a0000000161');
content('string with its length in nine bytes', '7b000000000000000161');
content('bytes with their length in two bytes', '580100');
content('bytes with their length in nine bytes', '5b000000000000000100');
content('list with its length in two bytes', '980100');
content('list with its length in nine bytes', '9b000000000000000100');
content('map with its length in two bytes', 'b801616100');
content('map with its length in five bytes', 'ba00000001616100');

content('half float 1.0', 'f93c00');
content('half float 1.5', 'f93e00');
content('half NaN', 'f97e00');
content('half infinity', 'f97c00');
content('single float 1.5', 'fa3fc00000');
content('single NaN', 'fa7fc00000');
content('NaN', 'fb7ff8000000000000');
content('NaN, signalling', 'fb7ff0000000000001');
content('NaN, negative with payload', 'fbfff8000000000123');
content('infinity', 'fb7ff0000000000000');
content('-infinity', 'fbfff0000000000000');
content('float 0.0, an integer', 'fb0000000000000000');
content('float -0.0, an integer', 'fb8000000000000000');
content('float 1.0, an integer', 'fb3ff0000000000000');
content('float -1.0, an integer', 'fbbff0000000000000');
content('float 2^53-1, an integer', 'fb433fffffffffffff');
content('float -(2^53-1), an integer', 'fbc33fffffffffffff');
content('float 1.0 deep inside', '8181a16161fb3ff0000000000000');

content('undefined', 'f7');
content('undefined in a list', '81f7');
content('simple value 0', 'e0');
content('simple value 19', 'f3');
content('simple value 32', 'f820');
content('simple value 255', 'f8ff');
content('false in two bytes', 'f814');
content('null in two bytes', 'f816');
content('a break and nothing to break', 'ff');
for (const info of ['1c', '1d', '1e', '3c', '5d', '7e', '9c', 'bd', 'de', 'fc', 'fd', 'fe']) {
  content(`reserved head ${info}`, info);
}
content('integer of indefinite length', '1f');
content('negative integer of indefinite length', '3f');
content('tag of indefinite length', 'df00');
content('bytes of indefinite length', '5f4100ff');
content('string of indefinite length', '7f6161ff');
content('list of indefinite length', '9f00ff');
content('map of indefinite length', 'bf616100ff');
content('empty string of indefinite length', '7fff');
content('empty list of indefinite length', '9fff');

content('tag 0, a date', `c0${text('2025-01-01')}`);
content('tag 1, a time', 'c100');
content('tag 2, a bignum', 'c249010000000000000000');
content('tag 3, a negative bignum', 'c349010000000000000000');
content('tag 41', `d8294100`);
content('tag 43', `d82b4100`);
content('tag 55799, self-described', 'd9d9f700');
content('tag 2^64-1', 'dbffffffffffffffff00');

content('keys unsorted by length', mapOf([[text('aa'), '00'], [text('b'), '00']]));
content('keys unsorted by byte', mapOf([[text('b'), '00'], [text('a'), '00']]));
content('keys in UTF-16 order where UTF-8 differs', mapOf([[text('\u{10000}'), '00'], [text('\uffffa'), '00']]));
content('keys by length in UTF-16 units', mapOf([[text('\u20ac'), '00'], [text('zz'), '00']]));
content('keys with the empty one last', mapOf([[text('a'), '00'], ['60', '00']]));
content('keys unsorted deep inside', `8181${mapOf([[text('b'), '00'], [text('a'), '00']])}`);
content('a key twice', mapOf([[text('a'), '00'], [text('a'), '00']]));
content('a key twice, with another between', mapOf([[text('a'), '00'], [text('b'), '00'], [text('a'), '00']]));
content('the empty key twice', mapOf([['60', '00'], ['60', '00']]));
content('an integer as key', mapOf([['00', '00']]));
content('a negative integer as key', mapOf([['20', '00']]));
content('bytes as key', mapOf([['4161', '00']]));
content('null as key', mapOf([['f6', '00']]));
content('a list as key', mapOf([['80', '00']]));
content('a tagged string as key', mapOf([[`c0${text('a')}`, '00']]));
content('a key with its length in two bytes', mapOf([['780161', '00']]));
content('a key of indefinite length', mapOf([['7f6161ff', '00']]));
content('a key that is no UTF-8', mapOf([['61ff', '00']]));

content('string with a lone 0xff', '61ff');
content('string with a lone continuation byte', '6180');
content('string cut inside a character', '61c3');
content('string with an overlong encoding', '62c080');
content('string with an overlong encoding in three bytes', '63e08080');
content('string with a lone surrogate', '63eda080');
content('string with a surrogate pair', '66eda080edb080');
content('string beyond U+10FFFF', '64f4908080');

content('string claims 2^63 bytes', '7b8000000000000000');
content('string claims 2^64-1 bytes', '7bffffffffffffffff');
content('string claims 2^32-1 bytes', '7affffffff');
content('bytes claim 2^63 bytes', '5b8000000000000000');
content('list claims 2^63 items', '9b8000000000000000');
content('list claims 2^64-1 items', '9bffffffffffffffff');
content('list claims 2^32-1 items', '9affffffff');
content('map claims 2^63 entries', 'bb8000000000000000');
content('map claims 2^32-1 entries', 'baffffffff');

content('128 lists deep', '(81*127)80', 'ERR_LIMIT');
content('a scalar inside 128 lists', '(81*128)00', 'ERR_LIMIT');
content('128 maps deep', '(a16161*128)f6', 'ERR_LIMIT');
content('128 lists and maps in turn', '(81a16161*64)00', 'ERR_LIMIT');
content('129 deep after a shallow start', '8300(81*128)0000', 'ERR_LIMIT');
content('100000 lists deep', '(81*100000)00', 'ERR_LIMIT');

// Links: tag 42, bytes, 0x00, a CID.
/** The bytes of tag 42: the multibase prefix of the binary form, then the CID. */
function prefixed(cid) {
  return `00${hex(CID.parse(cid).bytes)}`;
}

/** A link whose bytes are given after the head, which is computed. */
function linkOf(payload) {
  const length = fromHex(payload).length;
  const head = length < 24 ? (0x40 + length).toString(16) : `58${length.toString(16).padStart(2, '0')}`;
  return `d82a${head}${payload}`;
}

const cid = hex(CID.parse(known.first).bytes);
const digest = cid.slice(8);
content('link, tag in three bytes', `d9002a5825${prefixed(known.first)}`);
content('link, tag in five bytes', `da0000002a5825${prefixed(known.first)}`);
content('link, tag in nine bytes', `db000000000000002a5825${prefixed(known.first)}`);
content('link, length in three bytes', `d82a590025${prefixed(known.first)}`);
content('link of indefinite length', `d82a5f5825${prefixed(known.first)}ff`);
content('link over a string', `d82a${text('bafyrei')}`);
content('link over an integer', 'd82a00');
content('link over null', 'd82af6');
content('link over a list', 'd82a80');
content('link over a link', `d82a${linkOf(prefixed(known.first))}`);
content('link over nothing', linkOf(''));
content('link, only the prefix', linkOf('00'));
content('link without the prefix', linkOf(cid));
content('link, prefix 01', linkOf(`01${cid}`));
content('link, prefix of base32', linkOf(`62${cid}`));
content('link, CID cut after the version', linkOf('0001'));
content('link, CID cut after the codec', linkOf('000171'));
content('link, CID cut after the hash', linkOf('00017112'));
content('link, CID cut by one byte', linkOf(`00${cid.slice(0, -2)}`));
content('link, a byte behind the CID', linkOf(`00${cid}00`));
content('link, version 0 spelt out', linkOf(`0000701220${digest}`));
content('link, version 2', linkOf(`00027112${'20'}${digest}`));
content('link, version 3', linkOf(`00037112${'20'}${digest}`));
content('link, version in two bytes', linkOf(`008100711220${digest}`));
content('link, codec in two bytes', linkOf(`0001f1001220${digest}`));
content('link, hash in two bytes', linkOf(`000171920020${digest}`));
content('link, length of the digest in two bytes', linkOf(`00017112a000${digest}`));
content('link, codec of ten bytes', linkOf(`0001ffffffffffffffffff011220${digest}`));
content('link, digest of 65 bytes', linkOf(`0001710041(ab*65)`));
content('link, digest claims 2^63-1 bytes', linkOf(`00017112ffffffffffffffff7f${digest}`));
content('link, CIDv0 cut by one byte', linkOf(`001220${digest.slice(0, -2)}`));
content('link, CIDv0 and a byte', linkOf(`001220${digest}00`));
content('link, CIDv0 with another length of digest', linkOf(`00121f${digest.slice(0, -2)}`));

// Parents: links to nodes, each once.
function parents(name, value, error) {
  refuse(`parents ${name}`, node({ parents: value }), error);
}
const parent = linkOf(prefixed(known.first));
parents('null', 'f6');
parents('a map', 'a0');
parents('a link, not a list of one', parent);
parents('bytes', '40');
parents('with null', '81f6');
parents('with the text of a CID', `81783b${hex(Buffer.from(known.first))}`);
parents('with the bytes of a CID', `815824${cid}`);
parents('with a list', `8181${parent}`);
parents('with the length in two bytes', `9801${parent}`);
parents('of indefinite length', `9f${parent}ff`);
parents('claim one more than there are', `82${parent}`);
parents('claim 2^63', `9b8000000000000000${parent}`);
parents('twice the same', `82${parent}${parent}`);
parents('twice the same, with another between', `83${parent}${linkOf(prefixed(known.second))}${parent}`);
parents('with codec raw', `81${linkOf(`0001551220${digest}`)}`);
parents('with codec dag-pb', `81${linkOf(`0001701220${digest}`)}`);
parents('with codec dag-json', `81${linkOf(`0001a9021220${digest}`)}`);
parents('with a CIDv0', `81${linkOf(`001220${digest}`)}`);
parents('with sha2-512', `81${linkOf(`0001711340${digest}${digest}`)}`);
parents('with blake3', `81${linkOf(`0001711e20${digest}`)}`);
parents('with identity', `81${linkOf('0001710004a0a0a0a0')}`);
parents('with no digest', `81${linkOf('0001711200')}`);
parents('with a digest of 20 bytes', `81${linkOf(`0001711214${digest.slice(0, 40)}`)}`);
parents('with a digest of 31 bytes', `81${linkOf(`000171121f${digest.slice(0, 62)}`)}`);
parents('with a digest of 33 bytes', `81${linkOf(`0001711221${digest}00`)}`);
parents('with a byte behind the CID', `81${linkOf(`00${cid}00`)}`);
parents('with a CID cut by one byte', `81${linkOf(`00${cid.slice(0, -2)}`)}`);
parents('with a link without the prefix', `81${linkOf(cid)}`);
parents('with tag 43', `81d82b5825${prefixed(known.first)}`);

// Scope id.
function scope(name, value) {
  refuse(`scope id ${name}`, node({ scope_id: value }));
}
scope('empty', '60');
scope('of 256 bytes', '790100(73*256)');
scope('of 256 bytes in 128 characters', '790100(c3a9*128)');
scope('in bytes', `4a${FIELDS.scope_id.slice(2)}`);
scope('null', 'f6');
scope('an integer', '00');
scope('no UTF-8', '62c328');
scope('with its length in two bytes', `780a${FIELDS.scope_id.slice(2)}`);

// Timestamp.
function timestamp(name, value) {
  refuse(`timestamp ${name}`, node({ timestamp: value }));
}
timestamp('2^53', '1b0020000000000000');
timestamp('2^64-1', '1bffffffffffffffff');
timestamp('-1', '20');
timestamp('0 in two bytes', '1800');
timestamp('1 in nine bytes', '1b0000000000000001');
timestamp('half a millisecond', 'fb3fe0000000000000');
timestamp('float 1.0', 'fb3ff0000000000000');
timestamp('float 2^53', 'fb4340000000000000');
timestamp('text', text('0'));
timestamp('null', 'f6');
timestamp('true', 'f5');
timestamp('a bignum', 'c24101');

// Event type.
function type(name, value) {
  refuse(`event type ${name}`, node({ event_type: value }));
}
type('empty', '60');
type('of 256 bytes', '790100(74*256)');
type('of 256 bytes in 128 characters', '790100(c3a9*128)');
type('in bytes', `48${FIELDS.event_type.slice(2)}`);
type('null', 'f6');
type('an integer', '01');
type('a map', mapOf([[text('custom'), text('x')]]));
type('no UTF-8', '61ff');

// Nonce.
function nonce(name, value) {
  refuse(`nonce ${name}`, node({ nonce: value }));
}
nonce('empty', '40');
nonce('of 65 bytes', '5841(ab*65)');
nonce('as text', text('n'));
nonce('null', 'f6');
nonce('an integer', '01');
nonce('a list of bytes', '8101');
nonce('with its length in two bytes', '580101');
nonce('of indefinite length', '5f4101ff');

/** The refused vectors. */
export const refused = vectors;
