/** Writes to a journal in IndexedDB while another tab or a worker does the same, and posts what came of it. */
import { open, write } from "./write.mjs";

const parameters = new URLSearchParams(location.search);
const each = Number(parameters.get("each"));
const channel = new BroadcastChannel("writers");

/** Asks the other one, and waits for its answer. */
const ask = (answer, question) =>
  new Promise((resolve, reject) => {
    channel.addEventListener("message", ({ data }) => {
      if (data.error !== undefined) reject(new Error(`the other one: ${data.error}`));
      if (data.answer === answer) resolve(data);
    });
    channel.postMessage({ question, each });
  });

async function run() {
  const there = ask("there", "there?");
  if (parameters.has("tab")) window.open("other-writer.html", "_blank", "noopener");
  else new Worker("other-writer.mjs", { type: "module" });
  await there;
  const store = await open();
  const [ours, theirs] = await Promise.all([write(store, "window", each), ask("written", "write")]);
  await store.refresh();
  const { hash } = await ask("hash", "hash");
  const anew = await open();
  await anew.verify();
  const cids = (await anew.list().toArray()).map(({ cid }) => cid);
  const hashes = [await store.stateHash(), hash, await anew.stateHash()];
  await Promise.all([store.close(), anew.close()]);
  return { acknowledged: [...ours, ...theirs.acknowledged], cids, hashes };
}

const end = await run().catch((error) => ({ error: String(error?.stack ?? error) }));
await fetch("/outcomes", { method: "POST", body: JSON.stringify({ end }) });
