/**
 * Defines a property that can be written like any other. Assigning might run a setter that a page gave an
 * Object.prototype, and a descriptor that inherits from there might be one of a getter.
 */
export function define(object, key, value, enumerable = false) {
  Object.defineProperty(object, key, { __proto__: null, value, enumerable, writable: true, configurable: true });
}
