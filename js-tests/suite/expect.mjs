/** The few assertions that the suite needs, for runtimes that have none. */

export function ok(value, message = "expected something truthy") {
  if (!value) throw new Error(message);
}

/** What a case throws that can't be run in this runtime; the message says why. */
export class NotHere extends Error {
  name = "NotHere";
}

/** Deep equality of what a store gives: plain data, bytes, links. */
export function equal(actual, expected, message = "") {
  if (!same(actual, expected)) {
    throw new Error(`${message && `${message}: `}expected ${show(expected)}, got ${show(actual)}`);
  }
}

/** The call must be rejected (or throw) with this code; gives the error. */
export async function rejects(call, code, message = "") {
  let value;
  try {
    value = await (typeof call === "function" ? call() : call);
  } catch (error) {
    if (error instanceof NotHere) throw error;
    if (error?.name !== "DagStoreError" || error.code !== code) {
      throw new Error(`${message && `${message}: `}expected ${code}, got ${error?.stack ?? error}`);
    }
    ok(error instanceof Error && error.message.length > 0);
    return error;
  }
  throw new Error(`${message && `${message}: `}expected ${code}, got the value ${show(value)}`);
}

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (ArrayBuffer.isView(a) || ArrayBuffer.isView(b)) {
    return a instanceof Uint8Array && b instanceof Uint8Array && same(Array.from(a), Array.from(b));
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Reflect.ownKeys(a);
  if (keys.length !== Reflect.ownKeys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

function show(value) {
  const replacer = (_, part) => {
    if (typeof part === "bigint") return `${part}n`;
    if (ArrayBuffer.isView(part)) return `bytes ${Array.from(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))}`;
    return Object.is(part, -0) ? "-0" : part;
  };
  try {
    return (JSON.stringify(value, replacer) ?? String(value)).slice(0, 2000);
  } catch (error) {
    return `something that can't be shown (${error.message})`;
  }
}

/** A node, different for each number. */
export const node = (i, rest = {}) => ({
  content: `node ${i}`,
  eventType: "receipt",
  scopeId: "scope",
  timestamp: i,
  ...rest,
});

/** Numbers from 0 to n - 1, from a seed that repeats: for orders that look random and can be had again. */
export function shuffled(n, seed = 1) {
  const numbers = Array.from({ length: n }, (_, i) => i);
  let state = seed;
  for (let i = n - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
  }
  return numbers;
}
