/** A Worker whose requests share a store, and may end before what they began. */
import { DagStore } from "dag-store";

const store = new DagStore();
let made = 0;

const nodes = (count) => Array.from({ length: count }, () => ({ content: made++, eventType: "receipt", scopeId: "shared", timestamp: made }));

const answers = {
  /** Answers while it goes on. */
  "/begin-import": () => void store.insertMany(nodes(50_000)),
  "/begin-verify": () => void store.verify(),
  "/begin-commit": async () => {
    const batch = await store.beginBatch();
    await batch.insertMany(nodes(20_000));
    void batch.commit();
  },
  /** Whoever asks for this may be gone before it is done. */
  "/import": () => store.insertMany(nodes(50_000)).then(() => {}),
  /** Must always be answered. */
  "/insert": async () => {
    await store.insertMany(nodes(1));
    await store.verify();
    return store.size();
  },
};

export default {
  async fetch(request) {
    return Response.json((await answers[new URL(request.url).pathname]()) ?? null);
  },
};
