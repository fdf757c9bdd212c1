// Every line below an `@ts-expect-error` must not compile.
import { Batch, DagStore, type DagStoreError, type NodeInput, toDagJson } from "dag-store";

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
  // @ts-expect-error: a count has no order
  await store.count({ order: "time" });
  // @ts-expect-error: a comparison is with another store
  await store.compare();
  // @ts-expect-error: what comes or what goes, or both
  store.watch({ only: "both" });
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

/** What content can't hold, wherever in it. */
class Account {
  balance = 1;
  #owner = "ana";
  describe(): string {
    return this.#owner;
  }
}
interface Loose {
  when: Date;
}
interface Missing {
  note: string | undefined;
}
declare const loose: Loose;
declare const missing: Missing;
declare const unknown: unknown;
declare const maybe: string | undefined;
const rest = { eventType: "vote", scopeId: "s" };

export async function content(store: DagStore, batch: Batch): Promise<void> {
  // @ts-expect-error: undefined
  await store.insert({ content: undefined, ...rest });
  // @ts-expect-error: undefined in a map
  await store.insert({ content: { a: { b: undefined } }, ...rest });
  // @ts-expect-error: undefined in a list
  await store.insert({ content: [1, undefined], ...rest });
  // @ts-expect-error: perhaps undefined
  await store.insert({ content: maybe, ...rest });
  // @ts-expect-error: perhaps undefined, in an interface
  await store.insert({ content: missing, ...rest });
  // @ts-expect-error: a function
  await store.insert({ content: () => 1, ...rest });
  // @ts-expect-error: a function in a map
  await store.insert({ content: { run() {} }, ...rest });
  // @ts-expect-error: a class
  await store.insert({ content: Account, ...rest });
  // @ts-expect-error: an object with methods
  await store.insert({ content: new Account(), ...rest });
  // @ts-expect-error: a symbol
  await store.insert({ content: Symbol("s"), ...rest });
  // @ts-expect-error: a date
  await store.insert({ content: new Date(), ...rest });
  // @ts-expect-error: a date in an interface
  await store.insert({ content: loose, ...rest });
  // @ts-expect-error: a date, deep
  await store.insert({ content: [{ a: new Map([["b", [new Date()]]]) }], ...rest });
  // @ts-expect-error: a Set
  await store.insert({ content: new Set([1]), ...rest });
  // @ts-expect-error: a Map with numbers for keys
  await store.insert({ content: new Map([[1, 1]]), ...rest });
  // @ts-expect-error: a Promise, not awaited
  await store.insert({ content: store.size(), ...rest });
  // @ts-expect-error: a WeakMap
  await store.insert({ content: new WeakMap(), ...rest });
  // @ts-expect-error: who knows
  await store.insert({ content: unknown, ...rest });
  // @ts-expect-error: in a batch too
  await batch.insert({ content: loose, ...rest });
  // @ts-expect-error: in a node of a declared type
  const node: NodeInput<Loose> = { content: loose, ...rest };

  // @ts-expect-error: one of many
  await store.insertMany([{ content: 1, ...rest }, { content: new Date(), ...rest }]);
  // @ts-expect-error: one of many, from a generator
  await batch.insertMany((async function* (): AsyncGenerator<{ content: Loose; eventType: string; scopeId: string }> {})());
  // @ts-expect-error: nodes, not one
  await store.insertMany({ content: 1, ...rest });
  // @ts-expect-error: nodes, not Promises of nodes
  await store.insertMany([Promise.resolve({ content: 1, ...rest })]);
  // @ts-expect-error: nodes, not text
  await store.insertMany("nodes");
  // @ts-expect-error: a scope is missing
  await store.insertMany([{ content: 1, eventType: "vote" }]);
  // @ts-expect-error: ids are not awaited
  await store.getMany((async function* () { yield "bafy"; })());
  void node;
}

export async function cars(store: DagStore): Promise<void> {
  // @ts-expect-error: bytes, not text
  await store.importCar("a.car");
  // @ts-expect-error: pieces of bytes
  await store.importCar(["text"]);
  // @ts-expect-error: awaited first
  await store.importCar(Promise.resolve(new Uint8Array(1)));
  // @ts-expect-error: an export is not a Promise
  (await store.exportCar()).then();
  // @ts-expect-error: no such choice
  store.exportCar({ since: 1 });
  // @ts-expect-error an id is no number
  store.exportCar({ pastOf: 7 });
  // @ts-expect-error: a node, not its id
  toDagJson("bafy");
}

export async function long(store: DagStore, batch: Batch): Promise<void> {
  // @ts-expect-error: a signal, not its controller
  await store.insertMany([], { signal: { abort() {} } });
  // @ts-expect-error: it is told an object
  await store.insertMany([], { onProgress: (done: number) => done });
  // @ts-expect-error: staging takes no commit's options
  await batch.insertMany([], { stateHash: true });
  // @ts-expect-error: a single insert is never long
  await store.insert({ content: 1, ...rest }, { onProgress() {} });
  // @ts-expect-error: heads are not followed
  await store.heads({ onProgress() {} });
  // @ts-expect-error: a total may not be known
  await store.verify({ onProgress: ({ total }) => total.toFixed() });
  // @ts-expect-error: all nodes have no depth
  store.topological({ depth: 1 });
  // @ts-expect-error: a walk has one order
  store.ancestors("bafy", { order: "time" });
  // @ts-expect-error: a walk of CIDs has no nodes
  for await (const cid of store.descendants(["bafy"]).cids()) cid.content;
  // @ts-expect-error: ids are not awaited
  store.ancestors((async function* () { yield "bafy"; })());
  // @ts-expect-error: a condition is of one kind
  await batch.commit({ conditions: [{ absent: "bafy", heads: [] }] });
}
