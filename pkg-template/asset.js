import { asBytes } from "./bytes.js";
import { unpack } from "./unpack.js";

/** What every wasm file begins with: "\0asm". */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];

/**
 * Gives the wasm that `read` finds beside the package, as bytes or as a Response. Some bundlers leave that
 * file behind, and their servers answer with a page instead: then the copy within the JavaScript is
 * loaded, which nobody downloads otherwise.
 */
export async function assetOrInline(read) {
  let why = new Error("what stands where dag.wasm should is something else");
  try {
    const found = await read();
    // Who says that it's wasm is believed, so that it can be compiled while it comes.
    if (found.ok && found.headers.get("content-type") === "application/wasm") return found;
    const bytes = asBytes(found) ?? new Uint8Array(await found.arrayBuffer());
    if (MAGIC.every((byte, i) => bytes[i] === byte)) return bytes;
  } catch (error) {
    why = error;
  }
  const inline = await import("./inline-data.js").catch(() => {
    throw why;
  });
  return unpack(inline.default);
}
