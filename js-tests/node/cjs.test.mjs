import { createRequire } from "node:module";
import { runSuite } from "./run.mjs";

runSuite(createRequire(import.meta.url)("dag-store"), "require");
