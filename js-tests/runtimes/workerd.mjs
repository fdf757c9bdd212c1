/**
 * Cloudflare Workers: what wrangler bundles, in workerd itself and in `wrangler dev`; the suite runs within a Worker and
 * within a Durable Object. And requests that share a store.
 */
import { readFile } from "node:fs/promises";
import { checkCarried } from "./carried.mjs";
import { tool } from "./tools.mjs";
import { Wrangler } from "./wrangler.mjs";

const WORKERD = tool("@cloudflare/workerd-linux-64/bin/workerd");
const GUEST = "js-tests/runtimes/guest";
/** How long a request may take that waits for nobody, in milliseconds; one that waits for a request that is gone takes for ever. */
const PATIENCE = 60_000;

export const workerdVersion = async (context) => (await context.run(WORKERD, ["--version"])).trim().split(" ").at(-1);

export const workerd = [
  { name: "workerd-worker", project: "workerd", version: workerdVersion, run: (context) => runSuite(context, "worker") },
  { name: "workerd-object", project: "workerd", version: workerdVersion, run: (context) => runSuite(context, "object") },
  { name: "workerd-requests", suite: false, version: workerdVersion, run: runRequests },
  {
    name: "wrangler-dev",
    version: Wrangler.version,
    run: async (context) => askForSuite(context, await new Wrangler(context, `${GUEST}/worker.jsonc`).dev(), "worker"),
  },
];

/** The suite, within a Worker or within a Durable Object. */
async function runSuite(context, where) {
  await askForSuite(context, await serveWorker(context, "worker"), where);
}

async function askForSuite(context, origin, where) {
  const response = await fetch(new URL(where, origin));
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  await context.takeStream(response.body);
}

/**
 * What a request began, its end takes away: timers, for one. Requests that share a store must not wait for a request
 * that is gone.
 */
async function runRequests(context) {
  const origin = await serveWorker(context, "requests");
  const ask = async (what, signal) => {
    const response = await fetch(new URL(what, origin), { signal });
    if (!response.ok) throw new Error(`${what}: ${response.status}: ${await response.text()}`);
    return response.json();
  };
  let size = 0;
  const grows = async (name, by, begin) => {
    try {
      await begin();
      const now = await ask("insert", AbortSignal.timeout(PATIENCE));
      context.check(name, by.includes(now - size) ? undefined : `${now} nodes, and before ${size}`);
      size = now;
    } catch (error) {
      context.check(name, error);
    }
  };
  await grows("an import goes on when its request has been answered", [1, 50_001], () => ask("begin-import"));
  await grows("so does a verification", [1], () => ask("begin-verify"));
  await grows("so does a commit", [1, 20_001], () => ask("begin-commit"));
  await grows("an import whose client is gone holds nobody up", [1, 50_001], () => ask("import", AbortSignal.timeout(20)).catch(() => {}));
}

/** Serves a Worker of `guest/` with workerd, from the files that wrangler would deploy; gives the origin. */
export async function serveWorker(context, name) {
  return startWorker(context, await prepareWorker(context, name)).then(({ origin }) => origin);
}

/** Bundles a Worker of a folder of guests; gives the configuration that serves it. */
export async function prepareWorker(context, name, folder = GUEST) {
  const { consumer } = context;
  const files = await new Wrangler(context, `${folder}/${name}.jsonc`).bundle();
  await checkCarried(context, files);

  const modules = (extension, kind) =>
    files.filter((file) => file.endsWith(extension)).map((file) => `(name = "${file.replace("bundle/", "")}", ${kind} = embed "${file}")`);
  const config = await readFile(consumer.path(folder, `${name}.capnp`), "utf8");
  // The first module is the main one.
  await consumer.write(`${name}.capnp`, config.replace("MODULES", [...modules(".js", "esModule"), ...modules(".wasm", "wasm")].join(", ")));
  return `${name}.capnp`;
}

/** Serves what was prepared, by a command that starts workerd where there is one; gives the origin, and the program that serves. */
export async function startWorker(context, config, starter = []) {
  const [program, ...args] = [...starter, WORKERD, "serve", config, "--control-fd=1"];
  const server = context.start(program, args);
  const [, port] = await server.printed(/"event":"listen".*"port":(\d+)/);
  return { origin: `http://127.0.0.1:${port}`, server };
}
