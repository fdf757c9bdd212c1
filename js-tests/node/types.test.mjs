/** The types: what must compile does, what must not doesn't, under the settings people have. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = path.dirname(fileURLToPath(import.meta.url));
const types = path.join(here, "..", "types");
const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

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
    const usual = ["--noEmit", "--target", "es2022", "--lib", "es2022", "--types", ""];
    await promisify(execFile)(process.execPath, [tsc, ...usual, ...settings, ...files]).catch(({ stdout }) => {
      throw new Error(stdout);
    });
  });
}
