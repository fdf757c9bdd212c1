import { nothing } from "./connection.js";
import { encodeId } from "./record.js";

/** What more than one file asks a store; see `Call` in connection.js. */

export const readFlag = (answer) => answer.u8() === 1;

export const HAS = { encode: encodeId, ask: (store, length) => store.has(length), read: readFlag };
export const SIZE = {
  encode: nothing,
  ask: (store, _, scopeId) => store.size(scopeId),
  read: (answer) => answer.u64(),
};
export const STATE_HASH = {
  encode: nothing,
  ask: (store, _, scopeId, job) => store.stateHash(scopeId, job),
  read: (answer) => answer.string(),
};
export const VERIFY = {
  encode: nothing,
  ask: (store, _, __, job) => store.verify(job),
  read: (answer) => ({ nodes: answer.u64(), links: answer.u64(), stateHash: answer.string() }),
};
