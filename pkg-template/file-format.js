/** The bytes of a journal file: one header, and records. The specification has the layout. */
import * as zlib from "node:zlib";
import { DagStoreError } from "./error.js";

export const HEADER_BYTES = 112;
export const HEAD_BYTES = 32;
export const MARKER_BYTES = 8;
/** The largest piece of a checkpoint that gets a record of its own. */
export const LONGEST_PART = 1 << 24;

/** What every journal file begins with. */
const MAGIC = [0x89, 0x44, 0x41, 0x47, 0x6a, 0x0d, 0x0a, 0x1a];
const VERSION = 1;
const CID_BYTES = 36;
const CID_PREFIX = [0x01, 0x71, 0x12, 0x20];
/** In front of a segment: its length, and the commit it is of. */
const SEGMENT_HEAD_BYTES = 4 + CID_BYTES;

/** CRC-32, of the runtime's own zlib where that has it. */
export const crc32 = zlib.crc32 ?? crc32ByTable;

/** The same, for Node before 20.15: byte by byte. */
export function crc32ByTable(bytes) {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, crc) => {
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    return crc;
  });
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ crcTable[(crc ^ bytes[i]) & 0xff];
  return ~crc >>> 0;
}

let crcTable;

/** @typedef {{ checkpoint: import("dag-store").Checkpoint, parts: number, end: number }} Placed */

/** The header of a file with this marker and, perhaps, this checkpoint. */
export function writeHeader(marker, placed) {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.set(MAGIC);
  bytes.writeUInt32LE(VERSION, 8);
  bytes.set(marker, 12);
  if (placed) {
    const { checkpoint, parts, end } = placed;
    bytes.writeUInt32LE(parts, 20);
    writeNumber(bytes, checkpoint.sequence, 24);
    writeNumber(bytes, end, 32);
    bytes.set(checkpoint.commit, 40);
    bytes.set(checkpoint.stateHash, 76);
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 108)), 108);
  return bytes;
}

/**
 * What a header says; `undefined` for what is none, or damaged, and the version alone for one of a later version.
 *
 * @returns {{ marker: Buffer, placed?: Placed } | { later: number } | undefined}
 */
export function readHeader(bytes) {
  if (bytes === undefined || MAGIC.some((byte, i) => bytes[i] !== byte)) return undefined;
  // The check stays where it is in every version, so that rot is not taken for progress.
  if (crc32(bytes.subarray(0, 108)) !== bytes.readUInt32LE(108)) return undefined;
  const version = bytes.readUInt32LE(8);
  if (version !== VERSION) return { later: version };
  const marker = Buffer.from(bytes.subarray(12, 20));
  const sequence = readNumber(bytes, 24);
  if (sequence === 0) return { marker };
  const commit = readCid(bytes, 40);
  const checkpoint = { sequence, commit, stateHash: new Uint8Array(bytes.subarray(76, 108)) };
  return commit && { marker, placed: { checkpoint, parts: bytes.readUInt32LE(20), end: readNumber(bytes, 32) } };
}

/** A record of these segments, which are numbered on from the first. */
export function recordOf(segments, marker) {
  const room = segments.reduce((sum, { bytes }) => sum + SEGMENT_HEAD_BYTES + bytes.length, HEAD_BYTES);
  const record = Buffer.allocUnsafe(room);
  let at = HEAD_BYTES;
  for (const { commit, bytes } of segments) {
    record.writeUInt32LE(bytes.length, at);
    record.set(commit, at + 4);
    record.set(bytes, at + SEGMENT_HEAD_BYTES);
    at += SEGMENT_HEAD_BYTES + bytes.length;
  }
  return finish(record, segments[0].sequence, segments.length, marker);
}

/** A record of a part of a checkpoint. */
export function recordOfPart(number, part, marker) {
  const record = Buffer.allocUnsafe(HEAD_BYTES + part.length);
  record.set(part, HEAD_BYTES);
  return finish(record, number, 0, marker);
}

/** Writes the head of a record in front of its body. */
function finish(record, sequence, segments, marker) {
  const body = record.subarray(HEAD_BYTES);
  record.set(marker);
  writeNumber(record, sequence, 8);
  record.writeUInt32LE(body.length, 16);
  record.writeUInt32LE(segments, 20);
  record.writeUInt32LE(crc32(body), 24);
  record.writeUInt32LE(crc32(record.subarray(0, 28)), 28);
  return record;
}

/** What a record's head says; `undefined` for what is no head of this file's, or a damaged one. */
export function readHead(bytes, marker) {
  if (bytes === undefined || !marker.equals(bytes.subarray(0, MARKER_BYTES))) return undefined;
  if (crc32(bytes.subarray(0, 28)) !== bytes.readUInt32LE(28)) return undefined;
  return {
    /** Of its first segment; of a part of a checkpoint, its number. */
    sequence: readNumber(bytes, 8),
    length: bytes.readUInt32LE(16),
    /** 0 says that it is a part of a checkpoint. */
    segments: bytes.readUInt32LE(20),
    check: bytes.readUInt32LE(24),
  };
}

/** The segments of a record, not copied; `undefined` where its body is not made of as many as its head says. */
export function segmentsIn({ sequence, segments: count }, body) {
  const segments = [];
  let at = 0;
  while (at + SEGMENT_HEAD_BYTES <= body.length) {
    const commit = readCid(body, at + 4);
    const from = at + SEGMENT_HEAD_BYTES;
    at = from + body.readUInt32LE(at);
    if (commit === undefined || at > body.length) return undefined;
    segments.push({ sequence: sequence + segments.length, commit, bytes: body.subarray(from, at) });
  }
  return at === body.length && segments.length === count && count > 0 ? segments : undefined;
}

/** Checks what is to be one segment, as a caller hands it over. */
export function checkCommit(commit) {
  if (commit?.length === CID_BYTES && CID_PREFIX.every((byte, i) => commit[i] === byte)) return;
  throw new DagStoreError("ERR_INVALID_CID", "a commit is named by a CIDv1 of DAG-CBOR and SHA-256, 36 bytes");
}

function readCid(bytes, at) {
  if (CID_PREFIX.some((byte, i) => bytes[at + i] !== byte)) return undefined;
  return new Uint8Array(bytes.subarray(at, at + CID_BYTES));
}

/** A number of 64 bits, of which JavaScript has 53: larger ones, which nobody writes, come out inexact. */
function readNumber(bytes, at) {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

function writeNumber(bytes, number, at) {
  bytes.writeUInt32LE(number % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor(number / 2 ** 32), at + 4);
}
