/** What is measured where: each cell starts a runtime, and gives rows. */
import { execFile } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BROWSERS } from "../runtimes/browser.mjs";
import { NODES, nodeVersion } from "../runtimes/node.mjs";
import { openPage } from "../runtimes/page.mjs";
import { prepareWorker, startWorker, workerdVersion } from "../runtimes/workerd.mjs";
import { median, time } from "./guest/time.mjs";

const PEERS = ["@ipld/dag-cbor", "blockstore-fs", "blockstore-idb", "classic-level", "multiformats"];
const here = path.dirname(fileURLToPath(import.meta.url));
const peer = (name) => path.join(here, "node_modules", name);

/** Puts the peers and what measures into the consumer's project. */
async function prepare({ consumer }) {
  await mkdir(consumer.path("node_modules/@ipld"), { recursive: true });
  for (const name of PEERS) await symlink(peer(name), consumer.path("node_modules", name));
  await consumer.take("../bench/guest", "bench");
}

const disk = {
  name: "disk",
  version: (context) => nodeVersion(context, NODES["node-24"]).then((version) => `Node ${version}`),
  packages: [],
  async run(context, rounds) {
    await prepare(context);
    await mkdir(context.consumer.path("disk"));
    return JSON.parse(await context.run(NODES["node-24"], ["bench/node.mjs", "disk", String(rounds)]));
  },
};

const browsers = ["chromium", "firefox"].map((name) => ({
  name: `${name}-indexeddb`,
  version: async (context) => `${name[0].toUpperCase()}${name.slice(1)} ${await BROWSERS[name].version(context)}`,
  packages: BROWSERS[name].packages,
  async run(context, rounds) {
    await prepare(context);
    const { consumer } = context;
    const flags = ["--bundle", "--format=esm", "--external:dag-store", "--external:dag-store/*", "--allow-overwrite", "--preserve-symlinks=false"];
    await promisify(execFile)(peer(".bin/esbuild"), [consumer.path("bench/idb.mjs"), ...flags, `--outfile=${consumer.path("bench/idb.mjs")}`]);
    const server = await context.serve(consumer.folder);
    const end = await openPage(context, BROWSERS[name], server, `/bench/idb.html?rounds=${rounds}`);
    if (end.error) throw new Error(end.error);
    return end.rows;
  },
}));

const object = {
  name: "durable-object",
  version: async (context) => `workerd ${await workerdVersion(context)}`,
  packages: [],
  async run(context, rounds) {
    await prepare(context);
    await context.consumer.write("disk/README", "What Durable Objects keep.\n");
    const { origin } = await startWorker(context, await prepareWorker(context, "object", "bench"));
    const ask = async (question) => {
      const response = await fetch(new URL(question, origin));
      if (!response.ok) throw new Error(`${question}: ${response.status}: ${await response.text()}`);
      return response.json();
    };
    const rows = [
      { name: "dag-store/durable-object", way: "journal", note: "confirmed" },
      { name: "rows by hand", way: "rows", note: "confirmed; CID to block only" },
    ].map((row) => ({ ...row, one: [], batch: [] }));
    const ones = 20;
    for (let round = 0; round < rounds; round++) {
      for (const { way, one, batch } of round % 2 === 0 ? rows : rows.toReversed()) {
        const nothing = await time(() => ask("nothing/one?times=1"));
        one.push(((await time(() => ask(`${way}/one?times=${ones}`))) - nothing) / ones);
        batch.push(((await time(() => ask(`${way}/batch?times=1`))) - nothing) / 1000);
      }
    }
    return rows.map(({ name, note, one, batch }) => ({ name, note, one: median(one), batch: median(batch) }));
  },
};

export const cells = [disk, ...browsers, object];
