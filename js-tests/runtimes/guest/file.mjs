import * as dagStore from "../../../vendor/dag-store/dist/deno.js";
import * as verify from "../../../vendor/dag-store/dist/verify.js";
import * as faults from "../../../vendor/dag-store-faults/dist/deno.js";
import { printSuite } from "./print.mjs";

await printSuite({ ...dagStore, verify, faults });
