// How a node may be named, as text and as bytes, and what is refused as a node's name.

import { base2 } from 'multiformats/bases/base2';
import { base8 } from 'multiformats/bases/base8';
import { base10 } from 'multiformats/bases/base10';
import { base16, base16upper } from 'multiformats/bases/base16';
import * as base32 from 'multiformats/bases/base32';
import { base36, base36upper } from 'multiformats/bases/base36';
import { base58btc, base58flickr } from 'multiformats/bases/base58';
import * as base64 from 'multiformats/bases/base64';
import { base256emoji } from 'multiformats/bases/base256emoji';
import { CID } from 'multiformats/cid';

import { known } from './accepted.mjs';

const BASES = [
  base2, base8, base10, base16, base16upper, ...Object.values(base32), base36, base36upper, base58btc, base58flickr,
  ...Object.values(base64), base256emoji,
];

const cid = CID.parse(known.first);
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const fromHex = (text) => new Uint8Array(Buffer.from(text, 'hex'));
const HEAD = '01711220';
const DIGEST = hex(cid.multihash.digest);
const inBase32 = (text) => base32.base32.encode(fromHex(text));

const texts = { accepted: [], refused: [] };
const bytes = { accepted: [], refused: [] };

for (const base of BASES) texts.accepted.push({ name: base.name, text: base.encode(cid.bytes), cid: known.first });
for (const [name, digest] of [['only zeros', '00'.repeat(32)], ['only ones', 'ff'.repeat(32)]]) {
  const bytesOfCid = fromHex(HEAD + digest);
  for (const base of [base10, base32.base32, base36, base58btc, base64.base64url]) {
    texts.accepted.push({
      name: `${base.name}, a digest of ${name}`, text: base.encode(bytesOfCid), cid: CID.decode(bytesOfCid).toString(),
    });
  }
}
bytes.accepted.push({ name: 'a CID', bytes: cid.bytes, cid: known.first });

function refuse(name, text) {
  texts.refused.push({ name, text, error: 'ERR_INVALID_CID' });
}

const text = known.first;
refuse('empty', '');
refuse('only a prefix', 'b');
refuse('cut by one character', text.slice(0, -1));
refuse('a character too many', `${text}a`);
refuse('without the prefix', text.slice(1));
refuse('a space before', ` ${text}`);
refuse('a space behind', `${text} `);
refuse('a newline behind', `${text}\n`);
refuse('a NUL behind', `${text}\0`);
refuse('a path', `/ipfs/${text}`);
refuse('a path below it', `${text}/parents/0`);
refuse('a URL', `ipfs://${text}`);
refuse('twice', text + text);
refuse('plain words', 'not a cid');
refuse('600 characters', `b${'a'.repeat(599)}`);
refuse('hex without the prefix', hex(cid.bytes));
refuse('digest alone, in hex', `f${DIGEST}`);
refuse('multihash alone', inBase32(`1220${DIGEST}`));
refuse('base32 text with upper-case digits', `b${text.slice(1).toUpperCase()}`);
refuse('base32upper prefix with lower-case digits', `B${text.slice(1)}`);
refuse('base32 text with one upper-case digit', `${text.slice(0, -1)}${text.slice(-1).toUpperCase()}`);
refuse('base16 prefix with upper-case digits', `f${hex(cid.bytes).toUpperCase()}`);
refuse('base16upper prefix with lower-case digits', `F${hex(cid.bytes)}`);
refuse('base36 prefix with upper-case digits', `k${base36.encode(cid.bytes).slice(1).toUpperCase()}`);
refuse('base36upper prefix with lower-case digits', `K${base36.encode(cid.bytes).slice(1)}`);
refuse('base32 text with padding', `${text}======`);
refuse('base32pad without its padding', `c${text.slice(1)}`);
refuse('base32 with bits set behind the last byte', text.slice(0, -1) + nextDigit(text.at(-1)));
refuse('base16 with half a byte too many', `f${hex(cid.bytes)}0`);
refuse('base64 text behind the prefix of base64url', `u${base64.base64.encode(fromHex(HEAD + 'ff'.repeat(32))).slice(1)}`);
refuse('base32 text behind the prefix of base58btc', `z${text.slice(1)}`);
refuse('base58btc text behind the prefix of base32', `b${base58btc.encode(cid.bytes).slice(1)}`);
refuse('base58btc with a zero byte in front', `z1${base58btc.encode(cid.bytes).slice(1)}`);
refuse('base10 with a zero in front', `90${base10.encode(cid.bytes).slice(1)}`);
refuse('a prefix that no base has', `!${text.slice(1)}`);
refuse('the identity base', `\0${Buffer.from(fromHex(HEAD + '61'.repeat(32))).toString('latin1')}`);

/** CIDs that aren't a node's, or aren't CIDs, by their bytes. */
const NOT_NODES = {
  'CIDv0': `1220${DIGEST}`,
  'version 0 spelt out': `00701220${DIGEST}`,
  'version 2': `02711220${DIGEST}`,
  'codec raw': `01551220${DIGEST}`,
  'codec dag-pb': `01701220${DIGEST}`,
  'codec dag-json': `01a9021220${DIGEST}`,
  'codec cbor': `01511220${DIGEST}`,
  'hash identity': `01710004${'61'.repeat(4)}`,
  'hash sha2-512': `01711340${DIGEST}${DIGEST}`,
  'hash sha3-256': `01711620${DIGEST}`,
  'hash blake3': `01711e20${DIGEST}`,
  'hash sha2-256-trunc254-padded': `01719220${'20'}${DIGEST}`,
  'no digest': '01711200',
  'a digest of 20 bytes': `01711214${DIGEST.slice(0, 40)}`,
  'a digest of 31 bytes': `0171121f${DIGEST.slice(0, 62)}`,
  'a digest of 33 bytes': `01711221${DIGEST}00`,
  'a digest of 65 bytes': `01711241${'00'.repeat(65)}`,
  'a byte behind it': `${HEAD}${DIGEST}00`,
  'a second CID behind it': `${HEAD}${DIGEST}${HEAD}${DIGEST}`,
  'cut by one byte': `${HEAD}${DIGEST}`.slice(0, -2),
  'cut after the head': HEAD,
  'cut after the version': '01',
  'version in two bytes': `8100711220${DIGEST}`,
  'codec in two bytes': `01f1001220${DIGEST}`,
  'hash in two bytes': `0171920020${DIGEST}`,
  'length in two bytes': `017112a000${DIGEST}`,
};

for (const [name, notNode] of Object.entries(NOT_NODES)) {
  refuse(`${name}, in base32`, inBase32(notNode));
  bytes.refused.push({ name, bytes: fromHex(notNode), error: 'ERR_INVALID_CID' });
}
refuse('CIDv0 in its own text', base58btc.encode(fromHex(`1220${DIGEST}`)).slice(1));

for (const [name, other] of Object.entries({
  'nothing': '',
  'the multibase prefix of a link in front': `00${HEAD}${DIGEST}`,
  'the text of a CID': hex(Buffer.from(text)),
})) {
  bytes.refused.push({ name, bytes: fromHex(other), error: 'ERR_INVALID_CID' });
}

function nextDigit(digit) {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return alphabet[alphabet.indexOf(digit) + 1];
}

export const cids = { texts, bytes };
