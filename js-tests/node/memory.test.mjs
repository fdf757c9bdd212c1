/**
 * The memory of wasm over a long time; and the suite's cases of it (leaks.mjs) where no others have run before, and left free
 * memory behind in which a small leak may hide.
 */
import { test } from "node:test";
import { cycle, flat, leaks } from "../suite/leaks.mjs";
import { collectGarbage } from "./run.mjs";
import * as api from "dag-store";

const CYCLES = process.env.DAG_STORE_FULL ? 1_000_000 : 200_000;

for (const [name, run] of leaks) test(`alone: ${name}`, () => run({ ...api, collectGarbage }));

test(`flat: ${CYCLES.toLocaleString("en")} cycles of store, batch, insert, get and free`, async () => {
  await flat(CYCLES, 1 << 16, (i) => cycle(api, i));
});
