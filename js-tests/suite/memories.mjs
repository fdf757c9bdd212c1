/**
 * The memories of wasm, watched from outside: those of all instances that start once this is imported. They
 * are held weakly where the engine can, since an instance that failed takes its memory with it.
 */
import { NotHere } from "./expect.mjs";

const hold = typeof WeakRef === "undefined" ? (memory) => ({ deref: () => memory }) : (memory) => new WeakRef(memory);
let latest;

try {
  WebAssembly.Instance = class extends WebAssembly.Instance {
    constructor(...args) {
      super(...args);
      if (this.exports.memory) latest = hold(this.exports.memory);
    }
  };
} catch {
  // An engine may forbid it; then nothing is seen.
}

/** The bytes of the memory that was started last. */
export function memoryBytes() {
  const memory = latest?.deref();
  if (memory === undefined) throw new NotHere("WebAssembly.Instance can't be watched");
  return memory.buffer.byteLength;
}

/** What is lost is freed only where the engine has finalizers, and only on demand where the collector can be forced. */
export function requireFinalizers(collectGarbage) {
  if (typeof FinalizationRegistry === "undefined") throw new NotHere("the engine has no finalizers");
  if (!collectGarbage) throw new NotHere("the runtime has no way to force its collector");
}
