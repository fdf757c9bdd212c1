/** The entry for Bun: the import is a path, which `bun build --compile` takes along; read at the first call. */
import { resolve } from "node:path";
import path from "./dag.wasm" with { type: "file" };
import { setLoader } from "./instance.js";

export * from "./api.js";

// In a bundle it is relative to that.
setLoader(() => Bun.file(resolve(import.meta.dir, path)).arrayBuffer());
