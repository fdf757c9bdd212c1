/**
 * The entry for browsers, with or without a bundler: fetches the wasm at the first call that needs it.
 * Bundlers know the expression with `new URL`, and take the file along.
 */
import { assetOrInline } from "./asset.js";
import { setLoader } from "./instance.js";

export * from "./api.js";

setLoader(() => assetOrInline(() => fetch(new URL("./dag.wasm", import.meta.url))));
