import { asBytes } from "./bytes.js";
import { DagStoreError } from "./error.js";
import { CID_BYTES, writeId } from "./id.js";
import { readOptions } from "./options.js";
import { packed } from "./packed.js";
import { inOneGo, inTurns } from "./turn.js";
import { WORK_OPTIONS, Work } from "./work.js";

const ID = /^[0-9a-f]{32}$/;
const HASH = /^[0-9a-f]{64}$/;

/** The kinds of conditions, as wasm knows them. */
const HEADS = 0;
const STATE_HASH = 1;
const ABSENT = 2;

/** Reads a caller's commit options: `how`, as wasm takes it, and the work. */
export function readCommitOptions(given) {
  const options = readOptions(given, "options", ["id", "conditions", "stateHash", ...WORK_OPTIONS]);
  const how = [commitId(options), options.list("conditions", readCondition) ?? [], options.flag("stateHash")];
  return { how: packed(how), work: new Work(options) };
}

/** Reads the answer that is a commit. */
export const readCommit = (answer) => inOneGo(commitOf(answer));
export const readCommitInTurns = (answer) => inTurns(commitOf(answer));

/** Reads the answer that is an import: its roots, then its commit. */
export const readImported = (answer) => inOneGo(importOf(answer));
export const readImportedInTurns = (answer) => inTurns(importOf(answer));

function* importOf(answer) {
  const roots = answer.cids();
  return { roots, ...(yield* commitOf(answer)) };
}

function* commitOf(answer) {
  const sequence = answer.u64();
  const id = answer.string();
  const stateHash = answer.string();
  const inserted = yield* answer.manyCids();
  const removed = yield* answer.manyCids();
  const commit = { sequence, id, inserted, removed };
  return stateHash === "" ? commit : { ...commit, stateHash };
}

/** Reads what names a commit. */
export function readCommitId(value) {
  const id = typeof value === "string" ? value : hex(asBytes(value));
  if (ID.test(id)) return id;
  throw new DagStoreError("ERR_INVALID_ARGUMENT", "a commit's id must be 16 bytes, or 32 hexadecimal digits");
}

function commitId(options) {
  const value = options.get("id");
  return value === undefined ? undefined : readCommitId(value);
}

/** A condition is an object of one kind, which its key tells. */
function readCondition(given) {
  const condition = readOptions(given, "condition", ["heads", "scopeId", "stateHash", "absent"]);
  const kinds = ["heads", "stateHash", "absent"].filter((kind) => condition.get(kind) !== undefined);
  if (kinds.length !== 1 || (kinds[0] !== "heads" && condition.get("scopeId") !== undefined)) {
    const message = "a condition is { heads, scopeId? }, { stateHash } or { absent }";
    throw new DagStoreError("ERR_INVALID_ARGUMENT", message);
  }
  switch (kinds[0]) {
    case "heads":
      return [HEADS, condition.text("scopeId"), condition.list("heads", cidBytes)];
    case "stateHash": {
      const stateHash = condition.text("stateHash");
      if (!HASH.test(stateHash)) condition.fail("stateHash", "must be 64 hexadecimal digits");
      return [STATE_HASH, stateHash];
    }
    default:
      return [ABSENT, cidBytes(condition.get("absent"))];
  }
}

function cidBytes(id) {
  const bytes = new Uint8Array(CID_BYTES);
  writeId(id, bytes, 0);
  return bytes;
}

function hex(bytes = []) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
