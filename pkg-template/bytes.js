/**
 * Bytes as callers give them: ArrayBuffers and all views of them. What a caller's object says about
 * itself is not believed; these are the engine's own accessors, which look at the object within.
 */

const getter = (prototype, key) => Object.getOwnPropertyDescriptor(prototype, key).get;

const TypedArray = Object.getPrototypeOf(Uint8Array.prototype);
const typedTag = getter(TypedArray, Symbol.toStringTag);
const typedBuffer = getter(TypedArray, "buffer");
const typedOffset = getter(TypedArray, "byteOffset");
const typedLength = getter(TypedArray, "byteLength");
const typedAt = TypedArray.at;
const viewBuffer = getter(DataView.prototype, "buffer");
const viewOffset = getter(DataView.prototype, "byteOffset");
const viewLength = getter(DataView.prototype, "byteLength");
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");

/** Whether this is a Uint8Array, of whichever realm or subclass. */
export function isUint8Array(value) {
  return ArrayBuffer.isView(value) && typedTag.call(value) === "Uint8Array";
}

/**
 * The bytes of an ArrayBuffer or of any view of one, not copied; `undefined` for what is neither. Throws
 * a TypeError for memory that is detached, out of bounds, or shared with another thread, which could
 * change it while it is read.
 *
 * @returns {Uint8Array | undefined}
 */
export function asBytes(value) {
  if (!ArrayBuffer.isView(value)) return isArrayBuffer(value) ? new Uint8Array(value) : undefined;
  if (typedTag.call(value) === undefined) {
    return over(viewBuffer.call(value), viewOffset.call(value), viewLength.call(value));
  }
  typedAt.call(value, 0); // Throws where the memory beneath is gone; the lengths only say 0 then.
  return over(typedBuffer.call(value), typedOffset.call(value), typedLength.call(value));
}

function over(buffer, offset, length) {
  if (!isArrayBuffer(buffer)) throw new TypeError("the memory is shared with other threads");
  return new Uint8Array(buffer, offset, length);
}

function isArrayBuffer(value) {
  try {
    bufferLength.call(value);
    return true;
  } catch {
    return false;
  }
}
