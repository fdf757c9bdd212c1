/** The entry for those who load the wasm themselves (`dag-store/dag.wasm`) and hand it over. */
import { DagStoreError } from "./error.js";
import { setLoader } from "./instance.js";

export * from "./api.js";

/**
 * Hands over the wasm: a `WebAssembly.Module`, bytes, a URL or a Response, or a Promise of one. Needed
 * once, before the first call on a store. It is compiled when that call comes.
 */
export function init(source) {
  setLoader(() => source);
}

setLoader(() => {
  throw new DagStoreError("ERR_INVALID_ARGUMENT", "call init(wasm) before using a store");
});
