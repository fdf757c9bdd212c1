import { open, write } from "./write.mjs";

let store;

addEventListener("message", async ({ data: { each } }) => {
  if (each !== undefined) {
    store = await open();
    postMessage({ acknowledged: await write(store, "worker", each) });
  } else {
    await store.refresh();
    postMessage({ hash: await store.stateHash() });
    await store.close();
  }
});
