import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

/** Where they are installed: beside this file, unless this is a copy of it. */
const runtimes = process.env.DAG_STORE_RUNTIMES ?? path.join(here, "node_modules");

/** A file of the runtimes and bundlers that package-lock.json pins. */
export const tool = (...names) => path.join(runtimes, ...names);

/** Next and what it needs: installed apart, since it must be within the project that it builds. */
export const nextTool = (...names) => path.join(here, "next/node_modules", ...names);
