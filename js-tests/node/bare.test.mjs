/**
 * The suite in an engine that has no more than it must: no finalizers, no symbols for `using`, no shared or
 * resizable buffers, no `setImmediate`. What it runs is what `require` gives; the runtimes run the rest.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

// Node makes its `Response`, when first asked for it, with what is taken away here.
new Response();
for (const name of ["FinalizationRegistry", "WeakRef", "SharedArrayBuffer", "setImmediate", "scheduler"]) delete globalThis[name];
for (const name of ["resize", "resizable", "maxByteLength", "transfer"]) delete ArrayBuffer.prototype[name];
// Symbols can't be deleted, so a `Symbol` without them takes the place of the engine's.
const { Symbol: Full } = globalThis;
const { dispose, asyncDispose, length, name, ...known } = Object.getOwnPropertyDescriptors(Full);
globalThis.Symbol = Object.defineProperties((text) => Full(text), known);

const { runSuite } = await import("./run.mjs");
const { cycle, flat } = await import("../suite/leaks.mjs");
const api = createRequire(import.meta.url)("dag-store");

runSuite(api, "a bare engine", /`using`|no Symbol|no finalizers|no SharedArrayBuffer|no resizable|no Float16Array|no build of the package that fails/);

test("a bare engine: it is one", () => {
  assert.equal(typeof FinalizationRegistry, "undefined");
  assert.equal(Symbol.dispose, undefined);
  const own = Object.getOwnPropertySymbols(api.Batch.prototype).map(String);
  assert.deepEqual(own, []);
});

test("a bare engine: flat without finalizers", async () => {
  await flat(50_000, 1 << 16, (i) => cycle(api, i));
});
