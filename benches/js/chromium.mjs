/** Rows measured in a page, in a headless Chromium with a new profile. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { BROWSERS } from "../../js-tests/runtimes/browser.mjs";
import { openPage } from "../../js-tests/runtimes/page.mjs";
import { Programs } from "../../js-tests/runtimes/program.mjs";
import { serve } from "../../js-tests/runtimes/server.mjs";

const here = import.meta.dirname;

/** Isolated, so that the page has a finer clock. */
const ISOLATION = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** Runs a module of rows there, and prints what it says of them. */
export async function inChromium(rows) {
  const home = mkdtempSync(path.join(process.env.DAG_STORE_BENCH_DISK ?? tmpdir(), "dag-store-bench-"));
  const consumer = { folder: path.join(here, "../.."), home };
  const programs = new Programs(consumer);
  const context = { consumer, start: (...all) => programs.start(...all), run: (...all) => programs.run(...all) };
  await build({
    stdin: { contents: `import { run } from "./page.mjs"; run(() => import("./${rows}"));`, resolveDir: here },
    outfile: path.join(here, "page.bundle.js"),
    bundle: true,
    format: "esm",
    target: "esnext",
    external: ["dag-store", "dag-store/*"],
    logLevel: "error",
  });
  const server = await serve(consumer.folder, { headers: ISOLATION });
  try {
    const words = process.argv.slice(2).map((word) => ["word", word]);
    const end = await openPage(context, BROWSERS.chromium, server, `/benches/js/page.html?${new URLSearchParams(words)}`);
    if (end.error) throw new Error(`${end.error}\n${programs.output}`);
    for (const line of end.lines) console.log(line);
  } finally {
    await programs.end();
    server.close();
    rmSync(home, { recursive: true, maxRetries: 3 });
  }
}
