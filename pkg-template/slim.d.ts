export * from "dag-store";

/**
 * Hands over the wasm (`dag-store/dag.wasm`), for those who load it themselves. Needed once, before the first
 * call on a store; it is compiled when that call comes, which fails with `ERR_STORAGE` if it can't be.
 */
export function init(source: WasmSource | Promise<WasmSource>): void;

/**
 * What the wasm may come as: a `WebAssembly.Module`, a `Response` or a `URL` (objects that not every `lib`
 * names), bytes, or a URL as text.
 */
export type WasmSource = object | ArrayBuffer | ArrayBufferView | string;
