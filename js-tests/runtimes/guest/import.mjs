import { api } from "./api.mjs";
import { printSuite } from "./print.mjs";

await printSuite(api);
