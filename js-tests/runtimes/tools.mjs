import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

/** A file of the runtimes and bundlers that package-lock.json pins. */
export const tool = (...names) => path.join(here, "node_modules", ...names);

/** Next and what it needs: installed apart, since it must be within the project that it builds. */
export const nextTool = (...names) => path.join(here, "next/node_modules", ...names);
