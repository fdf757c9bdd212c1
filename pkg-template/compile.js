import { asBytes } from "./bytes.js";
import { DagStoreError } from "./error.js";

/** The smallest module: the magic and the version. */
const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
/** The smallest module with SIMD: one function, `i32.const 0`, `i8x16.splat`. */
const SIMD = Uint8Array.of(
  ...EMPTY,
  ...[1, 5, 1, 96, 0, 1, 123], // types: () -> v128
  ...[3, 2, 1, 0], // functions: one of that type
  ...[10, 8, 1, 6, 0, 65, 0, 253, 15, 11], // its code
);

/**
 * Compiles wasm from whatever it comes as: a module, bytes, a URL, a Response, or a Promise of one.
 *
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compile(source) {
  const given = await source;
  if (typeof WebAssembly === "undefined") throw missing("this engine has no WebAssembly", {});
  if (given instanceof WebAssembly.Module) return given;
  const bytes = asBytes(given);
  return bytes === undefined ? compileResponse(given) : WebAssembly.compile(bytes);
}

async function compileResponse(given) {
  // Not asked of the global `Response`: in Node a look at that loads a whole HTTP client.
  const response = typeof given?.arrayBuffer === "function" ? given : await fetched(given);
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${response.statusText}`);
  const streams = response.headers.get("content-type") === "application/wasm";
  if (streams && WebAssembly.compileStreaming) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

async function fetched(url) {
  try {
    return await fetch(url);
  } catch (cause) {
    const message = "the wasm can't be fetched; where `fetch` knows no such URL, as for files in Node, give `init` the bytes";
    throw new DagStoreError("ERR_STORAGE", message, { cause });
  }
}

/** Tells what the engine or the page lacks, if that is why the wasm can't be started. */
export async function assertAble(cause) {
  if (!WebAssembly.validate(SIMD)) throw missing("this engine lacks WebAssembly SIMD", { cause });
  try {
    // WebKit compiles what it then refuses to make an instance of.
    await WebAssembly.instantiate(EMPTY);
  } catch {
    const how = "a page's content-security-policy must allow 'wasm-unsafe-eval', a Worker import a module";
    throw missing(`compiling WebAssembly is forbidden here: ${how}`, { cause });
  }
}

function missing(what, details) {
  return new DagStoreError("ERR_STORAGE", `dag-store can't run: ${what}`, details);
}
