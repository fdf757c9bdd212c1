/** Runs the suite under node:test. */
import { setTimeout } from "node:timers/promises";
import { test } from "node:test";
import { suite } from "../suite/index.mjs";

export function runSuite(api, how) {
  if (typeof gc !== "function") throw new Error("run with --expose-gc");
  const collectGarbage = async () => {
    for (let i = 0; i < 3; i++) {
      gc();
      await setTimeout(5);
    }
  };
  for (const { name, run } of suite) test(`${how}: ${name}`, () => run({ ...api, collectGarbage }));
}
