import { readOptions } from "./options.js";

/** The limits of a store, their defaults and their ceilings: the same as those of the Rust crate. */
const DEFAULTS = {
  blockBytes: 1 << 20,
  parents: 1 << 10,
  contentDepth: 127,
  batchOperations: 1_000_000,
  batchBytes: 256 << 20,
  history: 1 << 16,
};
export const CEILINGS = {
  blockBytes: 64 << 20,
  parents: 1 << 16,
  contentDepth: 1 << 10,
  batchOperations: 16_000_000,
  batchBytes: 1 << 30,
  history: 1 << 24,
};

/** Reads the limits that a caller sets, and fills in the others. */
export function readLimits(given) {
  const set = readOptions(given, "limits", Object.keys(DEFAULTS));
  const limits = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) {
    const value = set.count(name);
    if (value !== undefined) limits[name] = Math.min(value, CEILINGS[name]);
  }
  return Object.freeze(limits);
}
