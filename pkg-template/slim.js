/** The entry for those who load the wasm themselves (`dag-store/dag.wasm`) and hand it over. */
import { DagStoreError } from "./error.js";
import { setLoader, setLoaderIfNone } from "./instance.js";

export * from "./api.js";

/**
 * Hands over the wasm: a `WebAssembly.Module`, bytes, a URL or a Response, or a Promise of one. Needed
 * once, before the first call on a store. It is compiled when that call comes.
 */
export function init(source) {
  const isText = typeof source === "string";
  if (!isText && Object(source) !== source) refuse("init(wasm) needs a module, bytes, a URL or a Response");
  // A Promise that fails is told to whoever calls a store, not to the process.
  Promise.resolve(source).catch(() => undefined);
  setLoader(() => source);
}

setLoaderIfNone(() => refuse("call init(wasm) before using a store"));

function refuse(message) {
  throw new DagStoreError("ERR_INVALID_ARGUMENT", message);
}
