import { collectGarbage } from "./collect.mjs";
import { runSuite } from "../../suite/run.mjs";

/** Runs the suite and prints the outcome of each case as a line of JSON. */
export const printSuite = (api) => runSuite({ ...api, collectGarbage }, (outcome) => console.log(JSON.stringify(outcome)));
