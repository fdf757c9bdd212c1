import { isPlain } from "./encode.js";
import { DagStoreError } from "./error.js";

const SURROGATE = /\p{Surrogate}/u;

/**
 * Copies a caller's options: own data properties of a plain object, none but those that are known. What
 * an Object.prototype has been given by someone else is not an option.
 *
 * @param {unknown} given
 * @param {string} what how to call the object in an error
 * @param {string[]} known
 */
export function readOptions(given, what, known) {
  const options = new Options(what);
  if (given === undefined) return options;
  if (typeof given !== "object" || given === null || !isPlain(given)) {
    refuse(`${what} must be a plain object`);
  }
  for (const key of Reflect.ownKeys(given)) {
    if (!known.includes(key)) refuse(`${what}: unknown option ${JSON.stringify(String(key).slice(0, 64))}`);
    const property = Object.getOwnPropertyDescriptor(given, key);
    if (!property || !Object.hasOwn(property, "value")) refuse(`${what}.${key} is a getter or setter`);
    options.values.set(key, property.value);
  }
  return options;
}

/** Options as read; each method gives one, if it is set and of the right kind. */
class Options {
  values = new Map();
  #what;

  constructor(what) {
    this.#what = what;
  }

  get(key) {
    return this.values.get(key);
  }

  count(key) {
    const value = this.get(key);
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value;
    this.fail(key, "must be a whole number, 0 or more");
  }

  flag(key) {
    const value = this.get(key);
    if (value === undefined || typeof value === "boolean") return value ?? false;
    this.fail(key, "must be true or false");
  }

  choice(key, values) {
    const value = this.get(key);
    if (value === undefined || values.includes(value)) return value;
    this.fail(key, `must be ${values.map((each) => JSON.stringify(each)).join(" or ")}`);
  }

  text(key) {
    const value = this.get(key);
    return value === undefined ? undefined : this.#checked(key, value);
  }

  texts(key) {
    return this.list(key, (value) => this.#checked(key, value));
  }

  /** A signal, of whichever realm or library. */
  signal(key) {
    const value = this.get(key);
    if (value === undefined) return undefined;
    const isSignal =
      typeof value === "object" &&
      typeof value?.aborted === "boolean" &&
      typeof value.addEventListener === "function" &&
      typeof value.removeEventListener === "function";
    return isSignal ? value : this.fail(key, "must be an AbortSignal");
  }

  callback(key) {
    const value = this.get(key);
    if (value === undefined || typeof value === "function") return value;
    this.fail(key, "must be a function");
  }

  /** A list of whatever `read` makes of its members. */
  list(key, read) {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) this.fail(key, "must be an array");
    return Array.from(value, read);
  }

  #checked(key, text) {
    if (typeof text !== "string") this.fail(key, "must be text");
    if (SURROGATE.test(text)) this.fail(key, "has half a surrogate pair");
    return text;
  }

  fail(key, why) {
    refuse(`${this.#what}.${key} ${why}`);
  }
}

function refuse(message) {
  throw new DagStoreError("ERR_INVALID_ARGUMENT", message);
}
