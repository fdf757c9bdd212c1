import type { WasmSource } from "./slim.cjs";

/** See dag.wasm.d.ts. */
declare const wasm: WasmSource;
export = wasm;
