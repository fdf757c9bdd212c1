/** The code in our texts that says in which runtime it runs: each piece as it is printed, in a project with the package. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { BROWSERS } from "./browser.mjs";
import { BUN, BUN_QUIET, bunVersion } from "./bun.mjs";
import { DENO, DENO_RUN, denoVersion } from "./deno.mjs";
import { openPage } from "./page.mjs";
import { Wrangler } from "./wrangler.mjs";

/** Where `cargo xtask test` has put the pieces, in a folder for each runtime. */
const FOLDER = process.env.DAG_STORE_SNIPPETS;

const { chromium } = BROWSERS;

export const snippets = [
  cell("deno-snippets", denoVersion, (context) => runEach(context, "deno", (file) => context.run(DENO, [...DENO_RUN, "--check", "--allow-all", file]))),
  cell("bun-snippets", bunVersion, (context) => runEach(context, "bun", (file) => context.run(BUN, ["run", file], { env: BUN_QUIET }))),
  cell("wrangler-snippets", Wrangler.version, async (context) => {
    await runEach(context, "worker", (file) => serveWorker(context, file, {}));
    await runEach(context, "object", (file) => serveWorker(context, file, OBJECT));
  }),
  { ...cell("chromium-snippets", chromium.version, (context) => runEach(context, "browser", (file) => openSnippet(context, file))), packages: chromium.packages },
];

/** What the configuration of a Worker with a Durable Object says besides. */
const OBJECT = {
  durable_objects: { bindings: [{ name: "STORE", class_name: "Store" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["Store"] }],
};

function cell(name, version, run) {
  return { name, suite: false, version, run };
}

/** Runs the pieces for one runtime, each a check of its own. There must be one. */
async function runEach(context, runtime, run) {
  const names = FOLDER === undefined ? [] : await readdir(path.join(FOLDER, runtime)).catch(() => []);
  context.check(`some text has code for: ${runtime}`, names.length > 0 ? undefined : `there is none in ${FOLDER}`);
  for (const name of names) {
    try {
      await context.consumer.write(name, await readFile(path.join(FOLDER, runtime, name), "utf8"));
      await run(name);
      context.check(name);
    } catch (error) {
      context.check(name, error);
    }
  }
}

/** Serves a Worker; it must answer. */
async function serveWorker(context, file, rest) {
  const config = { name: "snippet", main: file, compatibility_date: "2026-11-01", send_metrics: false, ...rest };
  await context.consumer.write(`${file}.json`, JSON.stringify(config));
  const { origin, server } = await new Wrangler(context, `${file}.json`).serve();
  const response = await fetch(origin);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  await response.text();
  await server.stop();
}

/** Opens a page, whose title must become `ok`, or which must log something. */
async function openSnippet(context, file) {
  const page = await readFile(context.consumer.path(file), "utf8");
  await context.consumer.write(file, `${page}${TELL}`);
  const server = await context.serve(context.consumer.folder);
  const end = await openPage(context, chromium, server, `/${file}`);
  if (end !== "ok") throw new Error(end);
}

/** Added to a page, whose modules run after it: posts that all went well, or what went wrong. */
const TELL = `
<script>
  const tell = (end) => fetch("/outcomes", { method: "POST", body: JSON.stringify({ end }) });
  addEventListener("error", ({ message }) => tell(message));
  addEventListener("unhandledrejection", ({ reason }) => tell(String(reason?.stack ?? reason)));
  const look = () => document.title === "ok" && tell("ok");
  new MutationObserver(look).observe(document.head, { subtree: true, childList: true, characterData: true });
  look();
  const { log } = console;
  console.log = (...values) => {
    log(...values);
    tell("ok");
  };
</script>
`;
