/** The memory of wasm over a long time. What is shorter is in the suite (leaks.mjs), for every runtime. */
import { test } from "node:test";
import { cycle, flat } from "../suite/leaks.mjs";
import * as api from "dag-store";

const CYCLES = process.env.DAG_STORE_FULL ? 1_000_000 : 200_000;

test(`flat: ${CYCLES.toLocaleString("en")} cycles of store, batch, insert, get and free`, async () => {
  await flat(CYCLES, 1 << 16, (i) => cycle(api, i));
});
