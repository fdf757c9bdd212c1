/** The memory of wasm over a long time. What is shorter is in the suite (leaks.mjs), for every runtime. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cycle, growth } from "../suite/leaks.mjs";
import * as api from "dag-store";

const CYCLES = process.env.DAG_STORE_FULL ? 1_000_000 : 200_000;

test(`flat: ${CYCLES.toLocaleString("en")} cycles of store, batch, insert, get and free`, async () => {
  const grown = await growth(CYCLES, (i) => cycle(api, i));
  assert.ok(grown <= 1 << 16, `${grown} bytes more`);
});
