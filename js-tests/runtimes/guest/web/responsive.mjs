/** Imports as many nodes as a page would be stuck with, and tells how long its tasks were; gives up another import in its midst. */
import { DagStore } from "dag-store";

const COUNT = 100_000;
const MOST_TIMES = 10;
/** The node that the others follow. */
const ROOT = { content: "root", eventType: "proposal", scopeId: "import", timestamp: 0 };

const pause = () => new Promise((resolve) => setTimeout(resolve));
const tasks = [];
const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => Math.round(duration))));
observer.observe({ type: "longtask" });

/** Runs something, and gives what took longer than 50 ms meanwhile, which is what a browser calls a long task. */
async function longTasks(run) {
  await pause();
  tasks.splice(0);
  await run();
  // What the observer has not been told yet comes with the next frames.
  for (let i = 0; i < 10; i++) await pause();
  return tasks.splice(0);
}

/** About 350 bytes each, and not made all at once. */
async function makeNodes(parent) {
  const nodes = [];
  for (let i = 0; i < COUNT; i++) {
    nodes.push({ content: `${i}`.padEnd(200, "x"), eventType: "receipt", scopeId: "import", timestamp: i, parents: [parent] });
    if (i % 5_000 === 0) await pause();
  }
  return nodes;
}

/** The import that nobody waits for to its end. */
async function giveUp(nodes) {
  const store = new DagStore();
  await store.insert(ROOT);
  const before = [await store.size(), await store.stateHash()];
  const controller = new AbortController();
  const onProgress = ({ done }) => {
    if (done >= COUNT / 2) controller.abort("enough");
  };
  const error = await store.insertMany(nodes, { signal: controller.signal, onProgress }).catch((error) => error);
  const after = [await store.size(), await store.stateHash()];
  return { code: error?.code, cause: error?.cause, leftNothing: String(after) === String(before) };
}

async function run() {
  const seen = await longTasks(async () => {
    for (const start = performance.now(); performance.now() < start + 120; );
  });
  const nodes = await makeNodes(await new DagStore().insert(ROOT));

  // Where others keep the machine busy, a task may look long which isn't. One that is long is so each time; and what is
  // surely short, done for as long, shows how busy the machine is.
  const tries = [];
  let imported;
  do {
    await new Promise((resolve) => setTimeout(resolve, 200 * tries.length));
    imported = await importAll(nodes);
    const { long, milliseconds } = imported;
    tries.push({ long, control: long.length > 0 ? await longTasks(() => shortTasks(milliseconds)) : [] });
  } while (tries.at(-1).long.length > 0 && tries.length < MOST_TIMES);
  return { seen, tries, ...imported, givenUp: await giveUp(nodes) };
}

/** Tasks of ten milliseconds each. */
async function shortTasks(milliseconds) {
  for (const start = performance.now(); performance.now() < start + milliseconds; await pause()) {
    for (const begun = performance.now(); performance.now() < begun + 10; );
  }
}

async function importAll(nodes) {
  const store = new DagStore();
  await store.insert(ROOT);
  const steps = [];
  const start = performance.now();
  const long = await longTasks(() => store.insertMany(nodes, { onProgress: ({ done }) => steps.push(done) }));
  const milliseconds = Math.round(performance.now() - start);
  const size = await store.size();
  await store.close();
  return { long, steps, milliseconds, size };
}

const end = await run().catch((error) => ({ error: String(error?.stack ?? error) }));
await fetch("/outcomes", { method: "POST", body: JSON.stringify({ end }) });
