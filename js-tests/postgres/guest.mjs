/**
 * The journal's suite by one driver, in whichever runtime this is run: `guest.mjs DRIVER ADDRESS`. Prints a line of JSON for
 * each case.
 */
import process from "node:process";
import * as dagStore from "dag-store";
import * as testing from "dag-store/testing";
import { journalSuite } from "../suite/journals.mjs";
import { EXTENT, connect, inGuests, mediumOf } from "./drivers.mjs";

const [name, address] = process.argv.slice(2);
const { driver, end } = connect(name, address);
const runtime = globalThis.Deno ? "deno" : globalThis.Bun ? "bun" : "node";
let number = 0;
const makeMedium = () => mediumOf(driver, `${runtime}_${name}_${number++}`);
for (const { name: check, run } of inGuests(journalSuite(testing, makeMedium, EXTENT))) {
  // It has a limit, but one that is too large to try.
  const failure = await run(dagStore).then(() => undefined, (error) => (error?.name === "NotHere" ? undefined : error));
  console.log(JSON.stringify({ name: check, error: failure && String(failure.stack) }));
}
await end();
