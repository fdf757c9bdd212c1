// Every line below an `@ts-expect-error` must not compile.
import { Batch, DagStore, type DagStoreError, type NodeInput } from "dag-store";

export async function nothing(store: DagStore, batch: Batch, error: DagStoreError): Promise<void> {
  // @ts-expect-error: a node has content
  await store.insert({ eventType: "vote", scopeId: "s" });
  // @ts-expect-error: a node has a scope
  await store.insert({ content: 1, eventType: "vote" });
  // @ts-expect-error: a timestamp is a number
  await store.insert({ content: 1, eventType: "vote", scopeId: "s", timestamp: new Date() });
  // @ts-expect-error: parents are a list
  await store.insert({ content: 1, eventType: "vote", scopeId: "s", parents: "bafy" });
  // @ts-expect-error: there is no such key
  await store.insert({ content: 1, eventType: "vote", scopeId: "s", scope: "s" });
  // @ts-expect-error: there are two orders
  store.list({ order: "random" });
  // @ts-expect-error: there is no such option
  store.list({ scope: "s" });
  // @ts-expect-error: an id is no number
  await store.get(1);
  // @ts-expect-error: batches come from a store
  new Batch();
  // @ts-expect-error: a commit's options are these
  await batch.commit({ hash: true });
  // @ts-expect-error: there is no such code
  if (error.code === "ERR_OOPS") return;
  // @ts-expect-error: a node may be missing
  (await store.get("bafy")).content;
  // @ts-expect-error: a date is no content
  const node: NodeInput = { content: new Date(), eventType: "vote", scopeId: "s" };
  // @ts-expect-error: the content has this type
  const ballot: NodeInput<{ choice: string }> = { content: { choice: 1 }, eventType: "vote", scopeId: "s" };
  // @ts-expect-error: it is asynchronous
  const size: number = store.size();
  void [node, ballot, size];
}
