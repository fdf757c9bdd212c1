export * from "dag-store";

/**
 * Hands over the wasm (`dag-store/dag.wasm`), for those who load it themselves: compiled, as bytes, as a
 * URL or Response, or as a Promise of one of these. Needed once, before the first call on a store.
 */
export function init(source: WasmSource | Promise<WasmSource>): void;

/** What a WebAssembly instance can be made from. */
export type WasmSource = object | ArrayBuffer | ArrayBufferView | string;
