import { asBytes } from "./bytes.js";

/**
 * Compiles wasm from whatever it comes as: a module, bytes, a URL, a Response, or a Promise of one.
 *
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compile(source) {
  const given = await source;
  if (given instanceof WebAssembly.Module) return given;
  const bytes = asBytes(given);
  if (bytes !== undefined) return WebAssembly.compile(bytes);
  // Not asked of the global `Response`: in Node a look at that loads a whole HTTP client.
  const response = typeof given?.arrayBuffer === "function" ? given : await fetch(given);
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${response.statusText}`);
  const streams = response.headers.get("content-type") === "application/wasm";
  if (streams && WebAssembly.compileStreaming) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}
