/** Writes to a journal in IndexedDB while a worker does the same, and posts what came of it. */
import { open, write } from "./write.mjs";

async function run() {
  const each = Number(new URLSearchParams(location.search).get("each"));
  const worker = new Worker("writers-worker.mjs", { type: "module" });
  const ask = (question) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message || "the worker could not be loaded"));
      worker.postMessage(question);
    });
  const store = await open();
  const [ours, theirs] = await Promise.all([write(store, "window", each), ask({ each })]);
  await store.refresh();
  const { hash } = await ask({});
  const anew = await open();
  await anew.verify();
  const cids = (await anew.list().toArray()).map(({ cid }) => cid);
  const hashes = [await store.stateHash(), hash, await anew.stateHash()];
  await Promise.all([store.close(), anew.close()]);
  return { acknowledged: [...ours, ...theirs.acknowledged], cids, hashes };
}

const end = await run().catch((error) => ({ error: String(error?.stack ?? error) }));
await fetch("/outcomes", { method: "POST", body: JSON.stringify({ end }) });
