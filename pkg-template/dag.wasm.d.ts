import type { WasmSource } from "./slim.js";

/**
 * The wasm, in the form in which this runtime or bundler imports such a file, if it can. A module (Workers) and
 * a URL (bundlers for browsers) are what `init` of `dag-store/slim` takes; of a path (Bun), give it the bytes.
 */
declare const wasm: WasmSource;
export default wasm;
