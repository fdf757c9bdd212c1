/** Runs the suite under node:test. */
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { test } from "node:test";
import * as verify from "dag-store/verify";
import { suite } from "../suite/index.mjs";

export async function collectGarbage() {
  if (typeof gc !== "function") throw new Error("run with --expose-gc");
  for (let i = 0; i < 3; i++) {
    gc();
    await setTimeout(5);
  }
}

/**
 * @param {object} api what the cases are given
 * @param {string} how what to call that
 * @param {RegExp} lacks what this engine may lack; a case that can't be run for another reason has failed
 */
export function runSuite(api, how, lacks) {
  for (const { name, run } of suite) {
    test(`${how}: ${name}`, async (context) => {
      try {
        await run({ ...api, verify, collectGarbage });
      } catch (error) {
        if (error?.name !== "NotHere") throw error;
        assert.match(error.message, lacks);
        context.diagnostic(`not here: ${error.message}`);
      }
    });
  }
}
