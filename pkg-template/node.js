/** The entry for Node: reads the wasm from the package's folder, at the first call that needs it. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { assetOrInline } from "./asset.js";
import { setLoader } from "./instance.js";

export * from "./api.js";

// The path is taken as text, since bundlers for servers put objects of their own where URLs were.
setLoader(() => assetOrInline(() => readFile(fileURLToPath(new URL("./dag.wasm", import.meta.url).href))));
