import { define } from "./define.js";

/** Every code there is: the kinds of the Rust crate, by their names in JavaScript. */
export const ERROR_CODES = Object.freeze([
  "ERR_NOT_FOUND",
  "ERR_INVALID_CID",
  "ERR_INVALID_NODE",
  "ERR_INVALID_ARGUMENT",
  "ERR_UNSUPPORTED_VERSION",
  "ERR_MISSING_PARENT",
  "ERR_HAS_CHILDREN",
  "ERR_LIMIT",
  "ERR_CONDITION_FAILED",
  "ERR_CONTENDED",
  "ERR_LOCKED",
  "ERR_CORRUPT",
  "ERR_BATCH_CLOSED",
  "ERR_CLOSED",
  "ERR_NEEDS_REOPEN",
  "ERR_POISONED",
  "ERR_OUTCOME_UNKNOWN",
  "ERR_COMPACTED",
  "ERR_EVICTED",
  "ERR_QUOTA",
  "ERR_STORAGE",
  "ERR_ABORTED",
]);

/** What all copies of the package know its errors by. */
const MARK = Symbol.for("dag-store.error");
const isInstance = Function.prototype[Symbol.hasInstance];

/** The one error of this package. `code` is stable; the message is for people. */
export class DagStoreError extends Error {
  // A field, so that it is defined and not assigned.
  code;

  /**
   * @param {string} code
   * @param {string} message
   * @param {{ cid?: string, parent?: string, commitId?: string, offset?: number, cause?: unknown }} [details]
   */
  constructor(code, message, details = {}) {
    super(message, Object.hasOwn(details, "cause") ? { cause: details.cause } : undefined);
    this.code = code;
    // Only what is known becomes a property, so that a printed error has no empty fields.
    for (const key of ["cid", "parent", "commitId", "offset"]) {
      const value = Object.hasOwn(details, key) ? details[key] : undefined;
      if (value !== undefined && value !== "") define(this, key, value, true);
    }
  }

  /** One program may hold several copies of the package, such as an ES module and a CommonJS one. */
  static [Symbol.hasInstance](value) {
    if (this !== DagStoreError) return isInstance.call(this, value);
    return typeof value === "object" && value !== null && value[MARK] === true;
  }

  static {
    define(this.prototype, "name", "DagStoreError");
    define(this.prototype, MARK, true);
  }
}
