// The journal file, slow and obvious: straight from "The journal file" in docs/spec.md, nothing shared with
// the store. A file after each of some steps.

import { createHash } from 'node:crypto';

const MAGIC = Buffer.from('894441476a0d0a1a', 'hex');
const MARKER = Buffer.from('0102030405060708', 'hex');

const sha256 = (text) => createHash('sha256').update(text).digest();
const u32 = (number) => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(number); return bytes; };
const u64 = (number) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64LE(BigInt(number)); return bytes; };

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return u32(~value >>> 0);
}

function header(checkpoint, parts = 0, end = 0) {
  const { sequence = 0, commit = Buffer.alloc(36), stateHash = Buffer.alloc(32) } = checkpoint ?? {};
  const bytes = Buffer.concat([MAGIC, u32(1), MARKER, u32(parts), u64(sequence), u64(end), commit, stateHash]);
  return Buffer.concat([bytes, crc(bytes)]);
}

function record(number, segments, body) {
  const head = Buffer.concat([MARKER, u64(number), u32(body.length), u32(segments), crc(body)]);
  return Buffer.concat([head, crc(head), body]);
}

const group = (segments) => record(segments[0].sequence, segments.length,
  Buffer.concat(segments.flatMap(({ commit, bytes }) => [u32(bytes.length), commit, bytes])));

const commitOf = (sequence) => Buffer.concat([Buffer.from('01711220', 'hex'), sha256(`commit ${sequence}`)]);
const segment = (sequence, bytes) => ({ sequence, commit: commitOf(sequence), bytes: Buffer.from(bytes) });
const checkpointOf = (sequence) => ({ sequence, commit: commitOf(sequence), stateHash: sha256('state 3') });

const first = [segment(1, 'one')];
const second = [segment(2, 'two'), segment(3, ''), segment(4, 'four'.repeat(20))];
const third = [segment(5, Array.from({ length: 256 }, (_, byte) => byte))];
const parts = [Buffer.from('a checkpoint'), Buffer.from('00ff', 'hex')];
const records = Buffer.concat(parts.map((part, number) => record(number, 0, part)));

const made = header();
const one = Buffer.concat([made, group(first)]);
const two = Buffer.concat([one, group(second)]);
const three = Buffer.concat([header(checkpointOf(3), parts.length, made.length + records.length), records, group(second)]);
const four = Buffer.concat([three, group(third)]);
const five = header(checkpointOf(5), 0, made.length);

const hexed = (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => (
  [name, Buffer.isBuffer(value) ? value.toString('hex') : value])));

/** What is done to a journal, and its bytes after that. */
export const steps = [
  { name: 'made', file: made },
  { name: 'a commit', append: first.map(hexed), file: one },
  { name: 'a group of three', append: second.map(hexed), file: two },
  { name: 'a checkpoint, of a commit within the group', checkpoint: hexed(checkpointOf(3)), parts: parts.map((part) => part.toString('hex')), file: three },
  { name: 'a commit after it', append: third.map(hexed), file: four },
  { name: 'a checkpoint of the last commit, without parts', checkpoint: hexed(checkpointOf(5)), parts: [], file: five },
].map(hexed);
