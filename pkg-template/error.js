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
  "ERR_CORRUPT",
  "ERR_BATCH_CLOSED",
  "ERR_CLOSED",
  "ERR_NEEDS_REOPEN",
  "ERR_POISONED",
  "ERR_OUTCOME_UNKNOWN",
  "ERR_COMPACTED",
  "ERR_QUOTA",
  "ERR_STORAGE",
  "ERR_ABORTED",
]);

/** The one error of this package. `code` is stable; the message is for people. */
export class DagStoreError extends Error {
  // A field, so that it is defined and not assigned: see `define`.
  code;

  /**
   * @param {string} code
   * @param {string} message
   * @param {{ cid?: string, parent?: string, commitId?: string, cause?: unknown }} [details]
   */
  constructor(code, message, details = {}) {
    super(message, Object.hasOwn(details, "cause") ? { cause: details.cause } : undefined);
    this.code = code;
    // Only what is known becomes a property, so that a printed error has no empty fields.
    for (const key of ["cid", "parent", "commitId"]) {
      if (Object.hasOwn(details, key) && details[key]) define(this, key, details[key]);
    }
  }

  static {
    Object.defineProperty(this.prototype, "name", {
      value: "DagStoreError",
      configurable: true,
      writable: true,
    });
  }
}

/** Makes a property like any other. Assigning would run a setter that a page gave Object.prototype. */
function define(error, key, value) {
  Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
}
