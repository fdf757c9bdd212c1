/** Fills a journal in IndexedDB until the browser gives no more room, and posts what is there then. */
import { open } from "./write.mjs";

/** Text of 64 KiB that can't be made smaller. */
function text() {
  const bytes = crypto.getRandomValues(new Uint8Array(1 << 15));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const cidsIn = async (store) => (await store.list().toArray()).map(({ cid }) => cid);

async function run() {
  const store = await open();
  const acknowledged = [];
  let code;
  while (code === undefined) {
    const node = { content: text(), eventType: "receipt", scopeId: "full", timestamp: acknowledged.length };
    try {
      acknowledged.push(await store.insert(node));
    } catch (error) {
      code = error.code;
    }
  }
  const read = await cidsIn(store);
  await store.close();
  const anew = await open();
  await anew.verify();
  const again = await cidsIn(anew);
  await anew.close();
  return { code, acknowledged, read, again };
}

const end = await run().catch((error) => ({ error: String(error?.stack ?? error) }));
await fetch("/outcomes", { method: "POST", body: JSON.stringify({ end }) });
