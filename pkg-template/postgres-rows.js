/** What a group of commits changes in the tables that people query. */
import { Decoder } from "./decode.js";
import { Link } from "./link.js";
import { encodeBase32, encodeBase64 } from "./multibase.js";

const CID_BYTES = 36;

/**
 * The rows of these segments. Of one that can't be read, which only a later version can have written, there is the bare
 * commit.
 */
export function rowsOf(segments) {
  const commits = [];
  const removed = [];
  const nodes = new Map();
  for (const { sequence, commit, bytes } of segments) {
    const read = readSegment(commit, bytes);
    commits.push({
      sequence,
      cid: encodeBase32(commit),
      id: read && base64(read.id),
      state_hash: read && base64(read.state),
      inserted: read?.inserted,
      removed: read?.removed.length,
    });
    for (const cid of read?.removed ?? []) {
      removed.push(cid);
      nodes.delete(cid);
    }
    for (const [place, { cid, block }] of (read?.nodes ?? []).entries()) nodes.set(cid, rowOf(sequence, place, cid, block));
  }
  const rows = [...nodes.values()];
  const edges = rows.flatMap(({ node, parents }) => parents.map((parent, place) => ({ child: node.cid, place, parent })));
  return { commits, removed, nodes: rows.map(({ node }) => node), edges };
}

/** Reads a CAR file that the store has written: a commit's block, its lists, and the nodes that it inserts. */
function readSegment(commit, bytes) {
  try {
    const [, ...sections] = sectionsOf(bytes);
    // Whoever tries a journal out may append any bytes, which must not be taken for what has been checked.
    if (encodeBase32(sections[0].cid) !== encodeBase32(commit)) return undefined;
    const { id, state, inserted, removed } = value(sections[0].block);
    const lists = sections.slice(1, 1 + inserted.length + removed.length).map(({ block }) => value(block));
    const nodes = sections.slice(1 + lists.length).map(({ cid, block }) => ({ cid: encodeBase32(cid), block }));
    const gone = lists.slice(inserted.length).flat().map(String);
    return { id, state, inserted: nodes.length, removed: gone, nodes };
  } catch {
    return undefined;
  }
}

function sectionsOf(bytes) {
  const sections = [];
  for (let at = 0; at < bytes.length; ) {
    let [length, scale, byte] = [0, 1, 0x80];
    for (; byte >= 0x80; scale *= 0x80) {
      byte = bytes[at++];
      length += (byte & 0x7f) * scale;
    }
    sections.push({ cid: bytes.subarray(at, at + CID_BYTES), block: bytes.subarray(at + CID_BYTES, at + length) });
    at += length;
  }
  return sections;
}

const value = (block) => new Decoder(block, 0).value();

function rowOf(sequence, place, cid, block) {
  const { content, parents, scope_id, timestamp, event_type } = value(block);
  const node = {
    cid,
    sequence,
    place,
    scope: text(scope_id),
    type: text(event_type),
    timestamp,
    block: base64(block),
    content: json(content),
  };
  return { node, parents: parents.map(String) };
}

/** Base64 as the database reads it, padded. */
function base64(bytes) {
  const text = encodeBase64(bytes);
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** Text as PostgreSQL can keep it, which has no place for U+0000. */
const text = (text) => (text.includes("\0") ? null : text);

/** A value as JSON, if all of it is. It is nested no deeper than the store's limit, 127. */
function json(value) {
  try {
    return written(value);
  } catch (error) {
    if (error === NONE) return null;
    throw error;
  }
}

const NONE = new Error("JSON has no place for this");

function written(value) {
  switch (typeof value) {
    case "bigint":
      return String(value);
    case "number":
      // From 2^53 on, numbers are those that were floats.
      return Number.isSafeInteger(value) || /[.e]/.test(String(value)) ? String(value) : `${BigInt(value)}.0`;
    case "string":
      if (value.includes("\0")) throw NONE;
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    default:
      if (value === null) return "null";
      if (value instanceof Uint8Array || value instanceof Link) throw NONE;
      if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
      return `{${Object.entries(value).map(([key, value]) => `${written(key)}:${written(value)}`).join(",")}}`;
  }
}
