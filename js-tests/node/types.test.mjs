/** The types: what must compile does, what must not doesn't, under the settings people have. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = path.dirname(fileURLToPath(import.meta.url));
const types = path.join(here, "..", "types");
const require = createRequire(import.meta.url);
const newest = require.resolve("typescript/package.json");
// What looks at the package's types as others see them brings a compiler of its own, an older one.
const older = createRequire(require.resolve("@arethetypeswrong/core")).resolve("typescript/package.json");
const tscOf = (typescript) => path.join(path.dirname(typescript), "bin/tsc");

const compile = (typescript, settings, files) =>
  promisify(execFile)(process.execPath, [tscOf(typescript), "--noEmit", "--target", "es2022", ...settings, ...files]).catch(({ stdout }) => {
    throw new Error(stdout);
  });

const STRICT = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
const LIBS = "esnext,dom,dom.asynciterable";
const SETTINGS = {
  "as Node resolves": [...STRICT, "--module", "nodenext"],
  "as bundlers resolve": [...STRICT, "--module", "esnext", "--moduleResolution", "bundler"],
  "as CommonJS": [...STRICT, "--module", "nodenext", "--moduleDetection", "legacy"],
  "with the newest library": [...STRICT, "--module", "nodenext", "--lib", LIBS],
  "not strict": ["--module", "nodenext"],
};

for (const [name, settings] of Object.entries(SETTINGS)) {
  test(`types ${name}`, async () => {
    // Without strictness less is refused; what is accepted must be in any case.
    const names = ["accepted.ts"];
    if (settings.includes("--strict")) names.push("refused.ts");
    if (settings.includes(LIBS)) names.push("newest.ts");
    const files = names.map((file) => path.join(types, file));
    await compile(newest, ["--lib", "es2022", "--types", "", ...settings], files);
  });
}

test("types before there were kinds of buffers", async () => {
  const { version } = require(older);
  assert.ok(version.localeCompare("5.7.0", "en", { numeric: true }) < 0, `TypeScript ${version} is too new for this`);
  await compile(older, [...STRICT, "--lib", "es2022", "--module", "nodenext"], [path.join(types, "entries.mts")]);
});
