/** The projects in `examples-web/`, which are to be copied and run as they are. */
import { checkCarried } from "./carried.mjs";
import { DENO, DENO_RUN, denoVersion } from "./deno.mjs";
import { NODES, nodeVersion } from "./node.mjs";
import { Wrangler } from "./wrangler.mjs";

const NODE = NODES["node-20"];

export const examples = [
  { name: "example-node-script", suite: false, version: (context) => nodeVersion(context, NODE), run: runNodeScript },
  { name: "example-deno-script", suite: false, version: denoVersion, run: runDenoScript },
  { name: "example-worker", suite: false, version: Wrangler.version, run: runWorker },
];

async function runNodeScript(context) {
  await context.consumer.take("../../examples-web/node-script", ".");
  const hash = stateHash(await context.run(NODE, ["main.js"]));
  context.check("it ends with a state hash", hash ? undefined : "none was printed");
}

async function runDenoScript(context) {
  await context.consumer.take("../../examples-web/node-script", ".");
  const inNode = stateHash(await context.run(NODE, ["main.js"]));
  await context.consumer.take("../../examples-web/deno-script", ".");
  const here = stateHash(await context.run(DENO, [...DENO_RUN, "--check", "main.ts"]));
  context.check("it ends with the state hash that Node has", here && here === inNode ? undefined : `${here}, not ${inNode}`);
}

/** The state hash that a script prints. */
const stateHash = (printed) => /^state hash: ([0-9a-f]{64})$/m.exec(printed)?.[1];

async function runWorker(context) {
  await context.consumer.take("../../examples-web/worker", ".");
  const worker = new Wrangler(context, "wrangler.jsonc");
  const files = await worker.bundle();
  await checkCarried(context, files);
  const wasm = files.filter((name) => name.endsWith(".wasm"));
  context.check("one wasm file would be deployed", wasm.length === 1 ? undefined : wasm.join());

  const origin = await worker.dev();
  const get = async (path) => (await fetch(new URL(path, origin))).json();
  const body = JSON.stringify({ content: { title: "Plant an orchard" }, eventType: "proposal" });
  const { cid } = await (await fetch(new URL("orchard", origin), { method: "POST", body })).json();
  const { size, heads } = await get("orchard");
  context.check("a ballot keeps what it is sent", size === 1 && heads.join() === cid ? undefined : `${size} nodes, ${heads}`);
  const { content } = await get(`orchard/${cid}`);
  context.check("and gives it back", content.title === "Plant an orchard" ? undefined : JSON.stringify(content));
  const { code } = await get("orchard/what");
  context.check("and says what is no CID", code === "ERR_INVALID_CID" ? undefined : code);
}
