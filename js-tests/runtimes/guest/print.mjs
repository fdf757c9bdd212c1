import { collectGarbage } from "./collect.mjs";
import { runSuite } from "../../suite/run.mjs";

/** Runs the suite, or other cases, and prints the outcome of each as a line of JSON. */
export const printSuite = (api, cases) => runSuite({ ...api, collectGarbage }, (outcome) => console.log(JSON.stringify(outcome)), { cases });
