/** The package as it is installed: what it holds, what importing it does, how it loads its wasm. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import vm from "node:vm";

const require = createRequire(import.meta.url);
const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(require.resolve("dag-store/package.json"));
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const node = { content: 1, eventType: "vote", scopeId: "s", timestamp: 0 };

/** What installed it; of the package it knows the tarball, and its hash. */
const consumer = path.join(root, "../..");
const { packages } = JSON.parse(readFileSync(path.join(consumer, "package-lock.json"), "utf8"));
const { resolved, integrity } = packages["node_modules/dag-store"];
const tarball = path.resolve(consumer, resolved.replace(/^file:/, ""));

const scratch = mkdtempSync(path.join(tmpdir(), "dag-store-package-"));
after(() => rmSync(scratch, { recursive: true }));

/** Runs a module in a process of its own, in the consumer's folder, and gives what it prints. */
const run = (code, ...flags) =>
  execFileSync(process.execPath, [...flags, "--input-type=module", "--eval", code], {
    encoding: "utf8",
    stdio: "pipe",
  }).trim();

/** Runs a development tool. */
const tool = (name, ...args) =>
  promisify(execFile)(path.join(here, "../node_modules/.bin", name), args).catch(({ stdout, stderr }) => {
    throw new Error(stdout + stderr);
  });

/** A list of all the paths in the package's exports. */
const exported = (value) => (typeof value === "string" ? [value] : Object.values(value).flatMap(exported));

/** Calls a function with every object of conditions in the package's exports. */
const eachConditions = (value, check) => {
  if (typeof value === "string") return;
  check(Object.keys(value));
  for (const inner of Object.values(value)) eachConditions(inner, check);
};

/** A copy of the installed package, to change. */
const copy = (name) => {
  const folder = path.join(scratch, name);
  cpSync(root, folder, { recursive: true });
  return folder;
};

/** Code that loads some entry of some copy. */
const loading = (folder, entry) => {
  const file = path.join(folder, "dist", entry);
  if (entry.endsWith(".cjs")) return `(await import("node:module")).createRequire("${file}")("${file}")`;
  return `await import("${pathToFileURL(file)}")`;
};

test("the manifest: no dependencies, no scripts, types first, and every file is there", () => {
  for (const key of ["dependencies", "peerDependencies", "optionalDependencies", "scripts", "bin"]) {
    assert.equal(manifest[key], undefined, key);
  }
  assert.equal(manifest.license, "Apache-2.0 OR MIT");
  assert.match(manifest.version, /^\d+\.\d+\.\d+/);
  for (const file of exported(manifest.exports)) assert.ok(readFileSync(path.join(root, file)).length > 0, file);
  eachConditions(manifest.exports, (conditions) => {
    if (conditions.includes("types")) assert.deepEqual(conditions, ["types", "default"]);
  });
  // A runtime takes the first that it knows: Bun, Deno and Workers know "node" or "import" too.
  assert.deepEqual(Object.keys(manifest.exports["."]), ["deno", "bun", "workerd", "node", "import", "require"]);
});

test("the files: those that are listed, and no others", () => {
  const files = readdirSync(root, { recursive: true, withFileTypes: true });
  const names = files.filter((file) => file.isFile()).map((file) => path.relative(root, path.join(file.parentPath, file.name)));
  const listed = readFileSync(path.join(here, "package-files.txt"), "utf8").trim().split("\n");
  assert.deepEqual(names.sort(), listed);
});

test("what must not be shaken off: the entries that set how the wasm is loaded, and nothing else", () => {
  const others = /verify|testing|indexeddb|durable-object|sqlite|file|postgres/;
  const entries = exported(manifest.exports).filter((file) => /\.c?js$/.test(file) && !others.test(file));
  assert.deepEqual([...manifest.sideEffects].sort(), [...new Set(entries)].sort());
});

test("packing what is installed gives the tarball that was installed, whenever and wherever", () => {
  for (const [name, time] of [["one", 1e9], ["two", 1.7e9]]) {
    const folder = copy(name);
    utimesSync(path.join(folder, "package.json"), time, time);
    const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts"], { cwd: folder, stdio: "pipe" });
    const told = JSON.parse(packed);
    // A list up to npm 11, an object by the packages' names from then on.
    assert.equal(Object.values(told)[0].integrity, integrity, name);
  }
});

test("no function of the wasm returns a reference", async () => {
  // Node 20 and 22 end the process if optimised code is given up while it is in a call of such a function.
  const { default: binaryen } = await import("binaryen");
  const wasm = binaryen.readBinary(readFileSync(path.join(root, "dist/dag.wasm")));
  const returning = [];
  let functions = 0;
  for (let i = 0; i < wasm.getNumExports(); i++) {
    const { kind, name, value } = binaryen.getExportInfo(wasm.getExportByIndex(i));
    if (kind !== binaryen.ExternalFunction) continue;
    functions++;
    const { results } = binaryen.getFunctionInfo(wasm.getFunction(value));
    if (binaryen.expandType(results).includes(binaryen.externref)) returning.push(name);
  }
  assert.deepEqual(returning, []);
  assert.ok(functions > 30);
});

test("publint has nothing to say", async () => {
  await tool("publint", "--strict", tarball);
});

test("are the types wrong? No", async () => {
  // `moduleResolution: node10` knows no `exports`, so that it finds no "dag-store/slim"; TypeScript 7 has no
  // such setting any more.
  await tool("attw", tarball, "--profile", "node16");
});

test("every entry has types, by import and by require", async () => {
  const settings = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022", "--types", ""];
  for (const [file, ...how] of [
    ["entries.mts", "--module", "nodenext"],
    ["entries.cts", "--module", "nodenext"],
    ["entries.mts", "--module", "esnext", "--moduleResolution", "bundler"],
  ]) {
    await tool("tsc", ...settings, ...how, path.join(here, "../types", file));
  }
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
  for (const file of ["browser.js", "browser.cjs", "slim.js", "slim.cjs", "inline.js", "inline.cjs"]) {
    assert.equal(run(spy.replace("IMPORT", loading(root, file))), "0 0", file);
  }
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
  for (const name of names) assert.match(types, new RegExp(`export (class|const|function) ${name}\\b`));
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

/** What the first call ends with. */
const firstCall = `
  const { DagStore } = await import("dag-store");
  await new DagStore().size().then(console.log, ({ code, message }) => console.log(code, message));`;

test("an engine without SIMD: the error says so", () => {
  // V8 has no SIMD on x64 without this; for other machines, it is only said to have none.
  if (process.arch === "x64") {
    assert.match(run(firstCall, "--no-enable-sse4-1"), /^ERR_STORAGE .*lacks WebAssembly SIMD$/);
  }
  const without = `
    WebAssembly.validate = () => false;
    WebAssembly.compile = () => Promise.reject(new WebAssembly.CompileError("SIMD unsupported"));`;
  assert.match(run(without + firstCall), /^ERR_STORAGE .*lacks WebAssembly SIMD$/);
});

test("an engine without WebAssembly: the error says so", () => {
  assert.match(run(`delete globalThis.WebAssembly; ${firstCall}`), /^ERR_STORAGE .*has no WebAssembly$/);
});

test("a policy that forbids WebAssembly: the error says what to allow", async () => {
  // The same switch of V8 that a page's content-security-policy turns.
  const context = vm.createContext(
    { exports: {}, queueMicrotask, TextEncoder, TextDecoder, atob, Blob, Response, DecompressionStream },
    { codeGeneration: { strings: false, wasm: false } },
  );
  const code = readFileSync(path.join(root, "dist/inline.cjs"), "utf8");
  vm.runInContext(`const module = { exports }; ${code}; globalThis.api = module.exports;`, context);
  await assert.rejects(new context.api.DagStore().size(), ({ code, message, cause }) => {
    assert.equal(code, "ERR_STORAGE");
    assert.match(message, /forbidden here: .*content-security-policy must allow 'wasm-unsafe-eval'/);
    assert.match(cause.message, /disallowed/);
    return true;
  });
});

test("a wasm that is broken is not taken for an engine that is", () => {
  const code = `
    const { DagStore, init } = await import("dag-store/slim");
    init(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 99));
    await new DagStore().size().catch(({ message, cause }) => console.log(message, cause.name));`;
  assert.equal(run(code), "the WebAssembly of dag-store can't be loaded CompileError");
});

/** Inserts by way of some entry of some copy; `before` runs first, and can replace what is global. */
const insertBy = (folder, entry, before = "") => {
  return run(`${before}
    const { DagStore } = ${loading(folder, entry)};
    console.log(await new DagStore().insert(${JSON.stringify(node)}));`);
};

test("where a bundler left the wasm behind, the copy within the JavaScript does", () => {
  const gone = copy("gone");
  rmSync(path.join(gone, "dist/dag.wasm"));
  const page = copy("page");
  writeFileSync(path.join(page, "dist/dag.wasm"), "<!doctype html><title>Not what you asked for</title>");
  for (const folder of [gone, page]) {
    for (const entry of ["node.js", "node.cjs"]) assert.match(insertBy(folder, entry), /^bafyrei/, `${folder} ${entry}`);
  }
  // As Next does it.
  const fakeUrl = `globalThis.URL = class { href = "/_next/static/media/dag.wasm" };`;
  assert.match(insertBy(root, "node.js", fakeUrl), /^bafyrei/);
});

test("the entry for browsers: takes what the server has, else the copy within the JavaScript", () => {
  const lean = copy("lean");
  rmSync(path.join(lean, "dist/inline-data.js"));
  const serve = (body, init) => `
    import { readFileSync } from "node:fs";
    const wasm = readFileSync(${JSON.stringify(path.join(root, "dist/dag.wasm"))});
    globalThis.fetch = async () => { ${body ? `return new Response(${body}, ${JSON.stringify(init)})` : `throw new TypeError("Failed to fetch")`} };`;
  const types = (type) => ({ headers: { "content-type": type } });
  // Without a copy to fall back on.
  for (const type of ["application/wasm", "application/octet-stream", "text/html"]) {
    assert.match(insertBy(lean, "browser.js", serve("wasm", types(type))), /^bafyrei/, type);
  }
  for (const [name, answer] of Object.entries({
    "no network": serve(),
    "not found": serve(`"no"`, { status: 404, ...types("application/wasm") }),
    "another page": serve(`"<!doctype html>"`, types("text/html")),
  })) {
    assert.match(insertBy(root, "browser.js", answer), /^bafyrei/, name);
    // The error is not about the copy, of which nobody has heard.
    const why = /ERR_STORAGE[^]*(Failed to fetch|something else)/;
    assert.throws(() => insertBy(lean, "browser.js", answer), why, name);
  }
  // Has no URL, so asks for nothing.
  assert.match(insertBy(root, "browser.cjs", `globalThis.fetch = () => process.exit(1);`), /^bafyrei/);
});

test("the wasm is within no JavaScript that doesn't need it", () => {
  const data = readFileSync(path.join(root, "dist/inline-data.js"), "utf8").match(/"(.{100})/)[1];
  const holders = readdirSync(path.join(root, "dist")).filter((file) => readFileSync(path.join(root, "dist", file), "latin1").includes(data));
  assert.deepEqual(holders.sort(), ["inline-data.js", "inline.cjs"]);
});

test("the names of the functions that a stack gives by number", async () => {
  const wasm = new WebAssembly.Module(await readFile(path.join(root, "dist/dag.wasm")));
  assert.deepEqual(WebAssembly.Module.customSections(wasm, "name"), []);
  const names = JSON.parse(await readFile(path.join(root, "dist/dag.names.json"), "utf8"));
  const imports = {};
  for (const { module, name } of WebAssembly.Module.imports(wasm)) (imports[module] ??= {})[name] = () => {};
  const { exports } = new WebAssembly.Instance(wasm, imports);
  // The engine's own name for an exported function is its number.
  assert.match(names[exports.dagstore_insert.name], /dagstore_insert/);
  assert.ok(names.some((name) => /dag_store::state/.test(name)));
  assert.ok(names.every((name) => !/::h[0-9a-f]{16}$/.test(name)), "a hash is left");
});
