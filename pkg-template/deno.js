/** The entry for Deno: wasm that is imported needs no permission; compiled at the first call. */
import { setLoader } from "./instance.js";

export * from "./api.js";

setLoader(() => import.source("./dag.wasm"));
