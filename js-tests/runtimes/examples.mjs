/** The projects in `examples-web/`, which are to be copied and run as they are. */
import { checkCarried } from "./carried.mjs";
import { DENO, DENO_RUN, denoVersion } from "./deno.mjs";
import { NODES, nodeVersion } from "./node.mjs";
import { Socket } from "./socket.mjs";
import { Wrangler } from "./wrangler.mjs";

const NODE = NODES["node-20"];

export const examples = [
  { name: "example-node-script", suite: false, version: (context) => nodeVersion(context, NODE), run: runNodeScript },
  { name: "example-deno-script", suite: false, version: denoVersion, run: runDenoScript },
  { name: "example-deno-server", suite: false, version: denoVersion, run: runDenoServer },
  { name: "example-durable-object", suite: false, version: Wrangler.version, run: runDurableObject },
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

async function runDenoServer(context) {
  await context.consumer.take("../../examples-web/deno-server", ".");
  const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-env"];
  const start = async () => {
    const server = context.start(DENO, [...DENO_RUN, "--check", ...permissions, "main.ts", "garden.sqlite", "0"]);
    const [, origin] = await server.printed(/^listening on (\S+)/);
    const get = async (path) => (await fetch(new URL(path, origin))).json();
    return { server, origin, get };
  };
  const { server, origin, get } = await start();
  const post = async (body) => {
    const response = await fetch(new URL("nodes", origin), { method: "POST", body });
    return { status: response.status, ...(await response.json()) };
  };

  const events = lines(await fetch(new URL("watch?scope=garden", origin)));
  await events.next();
  const { status, cid } = await post(`{"content":"Plant an orchard","eventType":"proposal","scopeId":"garden"}`);
  context.check("a node is taken", status === 201 ? undefined : status);
  const told = await firstThat(events, (line) => line.startsWith("data: "));
  context.check("and told of", told === `data: {"inserted":["${cid}"],"removed":[]}` ? undefined : told);
  const { content } = await get(`nodes/${cid}`);
  context.check("and given back", content === "Plant an orchard" ? undefined : JSON.stringify(content));
  const { code, status: refused } = await post(`{"content":1,"eventType":"vote"}`);
  context.check("what is no node is refused", refused === 400 && code === "ERR_INVALID_NODE" ? undefined : `${refused} ${code}`);
  const before = await get("state?scope=garden");

  server.signal("SIGTERM");
  await events.return();
  const ended = await server.ended;
  context.check("it stops when it is asked to", ended === 0 ? undefined : ended);
  const after = await (await start()).get("state?scope=garden");
  const isSame = after.size === 1 && after.stateHash === before.stateHash;
  context.check("and has its nodes when it is started again", isSame ? undefined : JSON.stringify([before, after]));
}

async function runDurableObject(context) {
  await context.consumer.take("../../examples-web/durable-object", ".");
  const worker = new Wrangler(context, "wrangler.jsonc");
  await checkCarried(context, await worker.bundle());
  const { server, origin } = await worker.serve();
  const get = async (path, at = origin) => (await fetch(new URL(path, at))).json();
  const post = async (body) => (await fetch(new URL("orchard", origin), { method: "POST", body })).json();

  const first = await post(`{"content":{"title":"Plant an orchard"},"eventType":"proposal"}`);
  const live = await Socket.open(new URL("orchard?after=0", origin));
  const past = await live.message();
  context.check("a socket is told of the past", past.nodes[0].cid === first.cid && past.sequence === 1 ? undefined : JSON.stringify(past));
  const early = await Socket.open(new URL("orchard?after=7", origin));
  const refusal = await early.message();
  context.check("what comes after a commit to come is refused", refusal.code === "ERR_INVALID_ARGUMENT" ? undefined : JSON.stringify(refusal));
  const second = await post(`{"content":"yes","eventType":"vote","parents":["${first.cid}"]}`);
  const news = await live.message();
  const isNews = news.sequence === second.sequence && news.nodes[0].cid === second.cid && news.stateHash === second.stateHash;
  context.check("and of what comes", isNews ? undefined : JSON.stringify(news));

  const other = await Socket.open(new URL("orchard", origin));
  other.send(JSON.stringify({ content: "no", eventType: "vote", parents: [first.cid] }));
  const [here, there] = [await live.message(), await other.message()];
  context.check("a node from a socket is told to all", here.sequence === 3 && there.sequence === 3 ? undefined : JSON.stringify([here, there]));
  other.send(JSON.stringify({ content: "no" }));
  const { code } = await other.message();
  context.check("and what is no node to its sender", code === "ERR_INVALID_NODE" ? undefined : code);

  const { content } = await get(`orchard/${first.cid}`);
  context.check("a node is given back", content.title === "Plant an orchard" ? undefined : JSON.stringify(content));
  const before = await get("orchard");
  const elsewhere = await get("meadow");
  context.check("another scope is another store", elsewhere.size === 0 ? undefined : `${elsewhere.size} nodes`);
  live.close();
  other.close();
  await server.stop();
  const again = await worker.dev();
  const after = await get("orchard", again);
  context.check("all is there when it wakes up", JSON.stringify(after) === JSON.stringify(before) ? undefined : JSON.stringify([before, after]));
}

/** The lines of an answer as they come. */
async function* lines(response) {
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const whole = (rest + text).split("\n");
    rest = whole.pop();
    yield* whole;
  }
}

async function firstThat(all, matches) {
  for (;;) {
    const { value, done } = await all.next();
    if (done) throw new Error("it ended before that came");
    if (matches(value)) return value;
  }
}
