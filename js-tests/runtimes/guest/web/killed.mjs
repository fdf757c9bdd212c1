/** Tells what is in a journal, and then writes to it for ever; each commit is posted once it is acknowledged. */
import { open, write } from "./write.mjs";

const post = (outcome) => fetch("/outcomes", { method: "POST", body: JSON.stringify([outcome]) });

try {
  const store = await open();
  await store.verify();
  const cids = (await store.list().toArray()).map(({ cid }) => cid);
  await post({ sequence: store.opened.sequence, cids });
  for (let i = 0; ; i++) {
    const [acknowledged] = await write(store, `after ${cids.length}, ${i}`, 1);
    await post({ acknowledged });
  }
} catch (error) {
  await post({ error: String(error?.stack ?? error) });
}
