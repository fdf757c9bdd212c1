/** The cases of journals, each journal in every runtime that has its medium. */
import * as testing from "../../pkg-template/testing.js";
import { indexeddb } from "../suite/indexeddb.mjs";
import { journalSuite } from "../suite/journals.mjs";
import { sqlite } from "../suite/sqlite.mjs";
import { BROWSERS } from "./browser.mjs";
import { BUN, BUN_QUIET, bunVersion } from "./bun.mjs";
import { DENO, DENO_RUN, denoVersion } from "./deno.mjs";
import { hear } from "./kills.mjs";
import { NODES, nodeVersion } from "./node.mjs";
import { openPage, runPage } from "./page.mjs";
import { prepareWorker, serveWorker, startWorker, workerdVersion } from "./workerd.mjs";

const suite = journalSuite(testing);
const withFile = [...suite, ...sqlite];
const GUEST = "js-tests/runtimes/guest/journals.mjs";
const FILE_GUEST = "js-tests/runtimes/guest/file-journal.mjs";
const isFull = process.env.DAG_STORE_FULL === "1";
/** How long a cell may take, in milliseconds: strict commits wait for a disk that others use too. */
const limit = isFull ? 7_200_000 : 900_000;
/** Tells guests that have no environment. */
const FULL = isFull ? "?full" : "";
/** How many commits two tabs make each, at one another. */
const EACH = isFull ? 5_000 : 100;

/** Node 20 brings no SQLite. */
const { "node-20": _, ...withSqlite } = NODES;

const node = Object.entries(withSqlite).map(([name, program]) => ({
  name: `${name}-sqlite`,
  suite: withFile,
  limit,
  version: (context) => nodeVersion(context, program),
  run: (context) => context.runSuite(program, [GUEST]),
}));

const deno = {
  name: "deno-sqlite",
  suite: withFile,
  limit,
  version: denoVersion,
  run: (context) => context.runSuite(DENO, [...DENO_RUN, "--allow-read", "--allow-write", "--allow-env", GUEST]),
};

const bun = {
  name: "bun-sqlite",
  suite: withFile,
  limit,
  version: bunVersion,
  run: (context) => context.runSuite(BUN, ["run", GUEST], { env: BUN_QUIET }),
};

/** The journal in a file needs nothing but `node:fs`. */
const files = [
  ...Object.entries(NODES).map(([name, program]) => ({
    name: `${name}-journal-file`,
    suite,
    limit,
    version: (context) => nodeVersion(context, program),
    run: (context) => context.runSuite(program, [FILE_GUEST]),
  })),
  {
    name: "deno-journal-file",
    suite,
    limit,
    version: denoVersion,
    run: (context) => context.runSuite(DENO, [...DENO_RUN, "--allow-all", FILE_GUEST]),
  },
  {
    name: "bun-journal-file",
    suite,
    limit,
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
    const response = await fetch(new URL(FULL, await serveWorker(context, "journals-worker")));
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
    await runPage(context, browser, server, `/js-tests/runtimes/guest/web/journals.html${FULL}`);
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
    // Where there are no tabs, a worker is the other one.
    const [other, query] = browser.opensTabs ? ["another tab", "tab"] : ["a worker", "worker"];
    const end = await openPage(context, browser, server, `/js-tests/runtimes/guest/web/writers.html?each=${EACH}&${query}`);
    const check = (name, isTrue) => context.check(name, isTrue ? undefined : JSON.stringify(end).slice(0, 2000));
    const acknowledged = end.acknowledged?.sort(([a], [b]) => a - b) ?? [];
    check(`a tab and ${other} write at each other, and every commit has a place of its own`, acknowledged.length === 2 * EACH && acknowledged.every(([sequence], i) => sequence === i + 1));
    check("every commit is there once, in its place", String(acknowledged.map(([, cid]) => cid)) === String(end.cids));
    check("both agree on the state hash, with one who opens it anew", end.hashes?.length === 3 && new Set(end.hashes).size === 1);
    context.note(`${EACH} commits each, a tab and ${other}`);
  },
}));

/** Bytes that a browser may store in all, where there is to be too little room. */
const ROOM = 32 << 20;

/** Checks what `fill` of `guest/fill.mjs` reported. */
function checkFull(context, facts) {
  const acknowledged = facts.flatMap(({ acknowledged }) => acknowledged ?? []);
  const { code, read, again, ...rest } = Object.assign({}, ...facts);
  const check = (name, isTrue) => context.check(name, isTrue ? undefined : JSON.stringify({ code, ...rest, acknowledged, read, again }).slice(0, 2000));
  check("no room is told as such", code === "ERR_QUOTA" && acknowledged.length > 0);
  check("the store still reads all that was acknowledged", String(read) === String(acknowledged));
  check("nothing is lost, and nothing else there, when it is opened again", String(again) === String(acknowledged));
  context.note(`full after ${acknowledged.length} commits of 64 KiB`);
}

/** A file system of 4 MiB that only workerd sees. */
const SMALL_DISK = ["unshare", "--mount", "--map-root-user", "sh", "-c", 'mount -t tmpfs -o size=4m none disk && exec "$0" "$@"'];

/** Only with `--full`: not every machine lets one mount a file system. */
const fullObject = {
  name: "workerd-full",
  project: "workerd",
  suite: false,
  limit,
  version: workerdVersion,
  async run(context) {
    await context.consumer.write("disk/README", "What Durable Objects keep.\n");
    const { origin } = await startWorker(context, await prepareWorker(context, "full-worker"), SMALL_DISK);
    const facts = [];
    const ask = async (path) => hear(await fetch(new URL(path, origin)), (fact) => facts.push(fact));
    // A full disk breaks the object off, and its answer; another one stands up in its place.
    await ask("/").catch((error) => context.note(`the object was broken off: ${error.message}`));
    await ask("/again");
    const acknowledged = facts.flatMap(({ acknowledged }) => acknowledged ?? []);
    const { code, again } = Object.assign({}, ...facts);
    const found = { code, acknowledged: acknowledged.length, again: again.length, first: again.findIndex((cid, i) => cid !== acknowledged[i]) };
    const check = (name, isTrue) => context.check(name, isTrue ? undefined : JSON.stringify(found));
    check("no room is told as such, if at all", acknowledged.length > 0 && [undefined, "ERR_QUOTA"].includes(code));
    // After them come those whose acknowledgement was broken off with the object.
    check("nothing acknowledged is lost", String(again.slice(0, acknowledged.length)) === String(acknowledged));
    context.note(`full after ${acknowledged.length} commits of 64 KiB`);
  },
};

/** WebKit's small browser has no setting for that. */
const full = ["chromium", "firefox"].map((name) => ({
  name: `${name}-full`,
  project: name,
  suite: false,
  limit,
  packages: BROWSERS[name].packages,
  version: BROWSERS[name].version,
  async run(context) {
    const server = await context.serve(context.consumer.folder);
    const end = await openPage(context, BROWSERS[name], server, "/js-tests/runtimes/guest/web/full.html", ROOM);
    checkFull(context, end);
  },
}));

export const journals = [...node, deno, bun, ...files, workerd, ...browsers, ...writers, ...full, ...(isFull ? [fullObject] : [])];
