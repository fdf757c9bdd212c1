/** The package as it is installed: what it holds, what importing it does, how it loads its wasm. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const root = path.dirname(require.resolve("dag-store/package.json"));
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const node = { content: 1, eventType: "vote", scopeId: "s", timestamp: 0 };

/** Runs a module in a process of its own, in the consumer's folder, and gives what it prints. */
const run = (code, ...flags) =>
  execFileSync(process.execPath, [...flags, "--input-type=module", "--eval", code], { encoding: "utf8" }).trim();

/** A list of all the paths in the package's exports. */
const exported = (value) => (typeof value === "string" ? [value] : Object.values(value).flatMap(exported));

test("the manifest: no dependencies, no scripts, types first, and every file is there", () => {
  for (const key of ["dependencies", "peerDependencies", "optionalDependencies", "scripts", "bin"]) {
    assert.equal(manifest[key], undefined, key);
  }
  assert.equal(manifest.license, "Apache-2.0 OR MIT");
  assert.match(manifest.version, /^\d+\.\d+\.\d+/);
  for (const file of exported(manifest.exports)) assert.ok(readFileSync(path.join(root, file)).length > 0, file);
  for (const entry of Object.values(manifest.exports)) {
    for (const conditions of [entry.import, entry.require].filter(Boolean)) {
      assert.deepEqual(Object.keys(conditions), ["types", "default"]);
    }
  }
  for (const file of manifest.sideEffects) assert.ok(readFileSync(path.join(root, file)).length > 0, file);
  for (const file of ["README.md", "LICENSE-APACHE", "LICENSE-MIT"]) assert.ok(readdirSync(root).includes(file), file);
  assert.deepEqual(readdirSync(path.join(root, "dist")).filter((file) => file.endsWith(".wasm")), ["dag.wasm"]);
});

test("importing starts nothing: no wasm, no globals, no handle that keeps Node alive", () => {
  const spy = `
    const before = Reflect.ownKeys(globalThis).length;
    let started = 0;
    for (const name of ["instantiate", "compile", "Module", "Instance", "instantiateStreaming"]) {
      WebAssembly[name] = new Proxy(WebAssembly[name], { apply: () => started++, construct: () => started++ });
    }
    const { DagStore } = IMPORT;
    new DagStore();
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log(started, Reflect.ownKeys(globalThis).length - before);`;
  assert.equal(run(spy.replace("IMPORT", `await import("dag-store")`)), "0 0");
  const load = `(await import("node:module")).createRequire(process.cwd() + "/x")("dag-store")`;
  assert.equal(run(spy.replace("IMPORT", load)), "0 0");
});

test("Node exits when its work is done, with a store and a batch open", () => {
  const code = `
    const { DagStore } = await import("dag-store");
    const batch = await new DagStore().beginBatch();
    console.log(await batch.insert(${JSON.stringify(node)}));`;
  assert.match(run(code), /^bafyrei/);
});

test("it runs where code can't be made from strings, and needs no permission but to read its own folder", () => {
  const code = `
    const { DagStore } = await import("dag-store");
    console.log(await new DagStore().insert(${JSON.stringify(node)}));`;
  assert.match(run(code, "--disallow-code-generation-from-strings"), /^bafyrei/);
});

test("import and require give the same exports, with types for all of them", async () => {
  const names = Object.keys(await import("dag-store")).sort();
  assert.deepEqual(Object.keys(require("dag-store")).sort(), names);
  const types = await readFile(path.join(root, "dist/index.d.ts"), "utf8");
  for (const name of names) assert.match(types, new RegExp(`export (class|const) ${name}\\b`));
  for (const { prototype } of Object.values(await import("dag-store")).filter((value) => value.prototype)) {
    for (const method of Object.getOwnPropertyNames(prototype)) assert.match(types, new RegExp(`\\b${method}\\b`));
  }
});

test("the types know every error code, and no other", async () => {
  const { ERROR_CODES } = await import("dag-store");
  const types = await readFile(path.join(root, "dist/index.d.ts"), "utf8");
  const union = types.slice(types.indexOf("type ErrorCode ="), types.indexOf("export const ERROR_CODES"));
  assert.deepEqual([...union.matchAll(/^ {2}\| "(ERR_\w+)"/gm)].map(([, code]) => code), [...ERROR_CODES]);
});

test("the slim entry: nothing works before init, and then whatever wasm comes from", async () => {
  const url = new URL(import.meta.resolve("dag-store/dag.wasm"));
  const bytes = await readFile(fileURLToPath(url));
  const sources = {
    bytes: () => bytes,
    "an ArrayBuffer": () => Uint8Array.from(bytes).buffer,
    "a module": () => new WebAssembly.Module(bytes),
    "a promise of a module": () => WebAssembly.compile(bytes),
    "a response": () => new Response(bytes, { headers: { "content-type": "application/wasm" } }),
    "a URL": () => `data:application/wasm;base64,${bytes.toString("base64")}`,
  };
  for (const [name, make] of Object.entries(sources)) {
    // A CommonJS entry has a copy of everything, so each of these loads anew.
    const slim = require.resolve("dag-store/slim");
    delete require.cache[slim];
    const { DagStore, init } = require(slim);
    init(make());
    assert.match(await new DagStore().insert(node), /^bafyrei/, name);
  }
});

test("the inline entry needs no file", () => {
  const code = `
    const { DagStore } = await import("dag-store/inline");
    console.log(await new DagStore().insert(${JSON.stringify(node)}));`;
  assert.match(run(code), /^bafyrei/);
  assert.match(run(code.replace('await import("dag-store/inline")',
    '(await import("node:module")).createRequire(process.cwd() + "/x")("dag-store/inline")')), /^bafyrei/);
});

test("starting loads no HTTP client", () => {
  const code = `
    const get = Object.getOwnPropertyDescriptor(globalThis, "Response").get;
    let looked = false;
    if (get) Object.defineProperty(globalThis, "Response", { get() { looked = true; return get.call(this); }, configurable: true });
    const { DagStore } = await import("dag-store");
    await new DagStore().size();
    console.log(get !== undefined, looked);`;
  assert.equal(run(code), "true false");
});

test("the slim entry: beside another entry it leaves that one's way to the wasm alone", () => {
  for (const [first, second] of [["dag-store", "dag-store/slim"], ["dag-store/slim", "dag-store"]]) {
    const code = `
      import "${first}";
      import "${second}";
      import { DagStore } from "dag-store";
      console.log(await new DagStore().insert(${JSON.stringify(node)}));`;
    assert.match(run(code), /^bafyrei/, `${first}, then ${second}`);
  }
});

test("the slim entry: what can't be wasm is refused at once, and a Promise that fails where it is needed", () => {
  const code = `
    import { DagStore, init } from "dag-store/slim";
    const codes = [];
    for (const nothing of [undefined, null]) {
      try { init(nothing) } catch (error) { codes.push(error.code) }
    }
    init(Promise.reject(new Error("no wasm today")));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await new DagStore().size().catch((error) => codes.push(error.code, error.cause.message));
    console.log(codes.join());`;
  assert.equal(run(code), "ERR_INVALID_ARGUMENT,ERR_INVALID_ARGUMENT,ERR_STORAGE,no wasm today");
});

test("the slim entry: a load that failed can be made good", () => {
  const code = `
    import { readFile } from "node:fs/promises";
    import { fileURLToPath } from "node:url";
    const { DagStore, init } = await import("dag-store/slim");
    const store = new DagStore();
    const codes = [];
    const fails = () => Promise.all([store.size(), store.size()]).catch(({ code, cause }) => codes.push(code, cause !== undefined));
    await fails();
    init(new Uint8Array(8));
    await fails();
    init(Promise.reject(new Error("offline")));
    await fails();
    init(await readFile(fileURLToPath(import.meta.resolve("dag-store/dag.wasm"))));
    codes.push(await store.size());
    console.log(codes.join());`;
  assert.equal(run(code), "ERR_INVALID_ARGUMENT,false,ERR_STORAGE,true,ERR_STORAGE,true,0");
});
