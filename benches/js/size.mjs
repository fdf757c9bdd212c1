/** What the wasm weighs on its way to a browser. */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { many, report, wants } from "./measure.mjs";

const { resolve } = createRequire(import.meta.url);

/** Bytes of the largest wasm file in a package's folder, compressed as a server would. */
function weight(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".wasm"));
  const sizes = files.map((file) => readFileSync(path.join(folder, file))).toSorted((a, b) => b.length - a.length);
  const quality = many(constants.BROTLI_MAX_QUALITY, constants.BROTLI_MIN_QUALITY);
  return brotliCompressSync(sizes[0], { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }).length;
}

const folderOf = (name) => path.join(import.meta.dirname, "node_modules", name);

if (wants("W11")) {
  const ours = path.dirname(resolve("dag-store/package.json"));
  report("W11", { "dag-store": weight(ours), Automerge: weight(folderOf("@automerge/automerge")), Loro: weight(folderOf("loro-crdt")) }, 1);
}
