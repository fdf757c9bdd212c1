/** The one that writes to a journal in IndexedDB at the same time as `writers.mjs`: another tab, or a worker. */
import { open, write } from "./write.mjs";

const channel = new BroadcastChannel("writers");
let store;

const ANSWERS = {
  "there?": () => ({ answer: "there" }),
  async write({ each }) {
    store = await open();
    return { answer: "written", acknowledged: await write(store, "other", each) };
  },
  async hash() {
    await store.refresh();
    const hash = await store.stateHash();
    await store.close();
    return { answer: "hash", hash };
  },
};

channel.onmessage = async ({ data }) => {
  try {
    channel.postMessage(await ANSWERS[data.question](data));
  } catch (error) {
    channel.postMessage({ error: String(error?.stack ?? error) });
  }
};
// Whoever asked before this was loaded is told now.
channel.postMessage(ANSWERS["there?"]());
