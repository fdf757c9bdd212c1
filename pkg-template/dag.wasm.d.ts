import type { WasmSource } from "./slim.js";

/**
 * The wasm, in the form in which this runtime or bundler imports such a file: a module, a path, a URL.
 * `init` of `dag-store/slim` takes each of them.
 */
declare const wasm: WasmSource;
export default wasm;
