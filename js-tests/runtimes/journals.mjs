/** The cases of journals, each journal in every runtime that has its medium. */
import * as testing from "../../pkg-template/testing.js";
import { indexeddb } from "../suite/indexeddb.mjs";
import { journalSuite } from "../suite/journals.mjs";
import { BROWSERS } from "./browser.mjs";
import { BUN, BUN_QUIET, bunVersion } from "./bun.mjs";
import { DENO, DENO_RUN, denoVersion } from "./deno.mjs";
import { NODES, nodeVersion } from "./node.mjs";
import { openPage, runPage } from "./page.mjs";
import { serveWorker, workerdVersion } from "./workerd.mjs";

const suite = journalSuite(testing);
const GUEST = "js-tests/runtimes/guest/journals.mjs";
const FILE_GUEST = "js-tests/runtimes/guest/file-journal.mjs";
/** How long a cell may take, in milliseconds: strict commits wait for a disk that others use too. */
const limit = 900_000;
/** How many commits a window and a worker make each, at one another. */
const EACH = process.env.DAG_STORE_FULL === "1" ? 5_000 : 100;

/** Node 20 brings no SQLite. */
const { "node-20": _, ...withSqlite } = NODES;

const node = Object.entries(withSqlite).map(([name, program]) => ({
  name: `${name}-sqlite`,
  suite,
  limit,
  version: (context) => nodeVersion(context, program),
  run: (context) => context.runSuite(program, [GUEST]),
}));

const deno = {
  name: "deno-sqlite",
  suite,
  limit,
  version: denoVersion,
  run: (context) => context.runSuite(DENO, [...DENO_RUN, "--allow-read", "--allow-write", "--allow-env", GUEST]),
};

const bun = {
  name: "bun-sqlite",
  suite,
  limit,
  version: bunVersion,
  run: (context) => context.runSuite(BUN, ["run", GUEST], { env: BUN_QUIET }),
};

/** The journal in a file needs nothing but `node:fs`. */
const files = [
  ...Object.entries(NODES).map(([name, program]) => ({
    name: `${name}-file`,
    suite,
    version: (context) => nodeVersion(context, program),
    run: (context) => context.runSuite(program, [FILE_GUEST]),
  })),
  {
    name: "deno-file",
    suite,
    version: denoVersion,
    run: (context) => context.runSuite(DENO, [...DENO_RUN, "--allow-all", FILE_GUEST]),
  },
  {
    name: "bun-file",
    suite,
    version: bunVersion,
    run: (context) => context.runSuite(BUN, ["run", FILE_GUEST], { env: BUN_QUIET }),
  },
];

const workerd = {
  name: "workerd-journal",
  project: "workerd",
  suite,
  limit,
  version: workerdVersion,
  async run(context) {
    await context.consumer.write("disk/README", "What Durable Objects keep.\n");
    const response = await fetch(await serveWorker(context, "journals-worker"));
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    await context.takeStream(response.body);
  },
};

const browsers = Object.entries(BROWSERS).map(([name, browser]) => ({
  name: `${name}-indexeddb`,
  project: name,
  suite: [...suite, ...indexeddb],
  limit,
  packages: browser.packages,
  version: browser.version,
  async run(context) {
    const server = await context.serve(context.consumer.folder);
    await runPage(context, browser, server, "/js-tests/runtimes/guest/web/journals.html");
  },
}));

const writers = Object.entries(BROWSERS).map(([name, browser]) => ({
  name: `${name}-writers`,
  project: name,
  suite: false,
  limit,
  packages: browser.packages,
  version: browser.version,
  async run(context) {
    const server = await context.serve(context.consumer.folder);
    const end = await openPage(context, browser, server, `/js-tests/runtimes/guest/web/writers.html?each=${EACH}`);
    const check = (name, isTrue) => context.check(name, isTrue ? undefined : JSON.stringify(end).slice(0, 2000));
    const acknowledged = end.acknowledged?.sort(([a], [b]) => a - b) ?? [];
    check("a window and a worker write at each other, and every commit has a place of its own", acknowledged.length === 2 * EACH && acknowledged.every(([sequence], i) => sequence === i + 1));
    check("every commit is there once, in its place", String(acknowledged.map(([, cid]) => cid)) === String(end.cids));
    check("both agree on the state hash, with one who opens it anew", end.hashes?.length === 3 && new Set(end.hashes).size === 1);
    context.note(`${EACH} commits each`);
  },
}));

export const journals = [...node, deno, bun, ...files, workerd, ...browsers, ...writers];
