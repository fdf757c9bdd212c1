import { DagStoreError } from "./error.js";

/** Runs a function that may throw or wait; the outcome is a Promise, rejected with nothing but our error. */
export function attempt(run) {
  try {
    return Promise.resolve(run());
  } catch (error) {
    return Promise.reject(ours(error));
  }
}

/** Our errors stay as they are; one that a caller's object threw becomes the cause of one. */
export function ours(error) {
  try {
    if (error instanceof DagStoreError) return error;
  } catch {
    // A revoked proxy, thrown: not even its class can be asked for.
  }
  return new DagStoreError("ERR_INVALID_ARGUMENT", "an argument can't be read", { cause: error });
}

/** The error of a method that was taken off its object. */
export function detached(what) {
  return new DagStoreError("ERR_INVALID_ARGUMENT", `call it as a method of the ${what} itself (not of a proxy of it), as in \`${what}.get(id)\``);
}
