// Must compile, whatever the strictness and with no newer `lib` than ES2022.
import {
  Batch,
  type Commit,
  type CommitOptions,
  type DagEventType,
  type DagNode,
  DagStore,
  DagStoreError,
  type DagStoreOptions,
  ERROR_CODES,
  type ErrorCode,
  Link,
  type List,
  type NodeInput,
  type Value,
} from "dag-store";
import { DagStore as InlineDagStore } from "dag-store/inline";
import { DagStore as SlimDagStore, init } from "dag-store/slim";
import { CID } from "multiformats/cid";

interface Ballot {
  choice: "yes" | "no";
  weight: number;
}

export async function everything(store: DagStore): Promise<void> {
  const options: DagStoreOptions = { limits: { blockBytes: 1 << 16, parents: 2 } };
  const other = new DagStore(options);
  init(new Uint8Array(8));
  init(fetchWasm());
  const same: DagStore[] = [new SlimDagStore(), new InlineDagStore()];

  const ballot: NodeInput<Ballot> = {
    content: { choice: "yes", weight: 3 },
    eventType: "vote",
    scopeId: "garden-coop",
  };
  const id: string = await store.insert(ballot);
  await store.insert({ content: null, eventType: "my-own-type", scopeId: "s", parents: [id], timestamp: 1 });
  await store.insert({ content: 1n, eventType: "vote", scopeId: "s", nonce: new Uint8Array(1), parents: undefined });

  const typed: DagNode<Ballot> | undefined = await store.get<Ballot>(id);
  const choice: "yes" | "no" | undefined = typed?.content.choice;
  const untyped: Value | undefined = (await store.get(id))?.content;
  if (typed) await other.insert(typed);

  const cid: CID = CID.parse(id);
  await store.has(cid);
  await store.has(cid.bytes);
  await store.remove(new Link(cid.bytes));
  const block: Uint8Array | undefined = await store.getBlock(id);
  if (block) await other.insertBlock(block);
  const several: (DagNode | undefined)[] = await store.getMany(new Set([id]));

  const list: List<Ballot> = store.list<Ballot>({ eventTypes: ["vote"], order: "time", scopeId: "s", limit: 9 });
  for await (const node of list) node.content.weight.toFixed();
  const { nodes, cursor } = await store.list().page();
  const all: DagNode[] = await store.list({ cursor, reverse: true }).toArray();
  for await (const node of store.list()) await other.insert(node);

  const how: CommitOptions = {
    id: "00".repeat(16),
    stateHash: true,
    conditions: [{ heads: [id, cid], scopeId: "s" }, { stateHash: "00".repeat(32) }, { absent: id }],
  };
  const commit: Commit = await store.insertMany([ballot], how);
  const sequence: number = commit.sequence;
  const hash: string | undefined = commit.stateHash;

  const batch: Batch = await store.beginBatch();
  const ids: string[] = await batch.insertMany(nodes);
  await batch.removeMany(ids);
  await batch.commit(how);
  await batch.rollback();
  batch.free();
  batch[Symbol.dispose]();
  await store[Symbol.asyncDispose]();

  try {
    await store.insert({ content: 1, eventType: "vote", scopeId: "" });
  } catch (error) {
    if (error instanceof DagStoreError) {
      const code: ErrorCode = error.code;
      const parent: string | undefined = error.parent;
      void [code, parent, error.cause];
    }
  }
  const type: DagEventType = "anything";
  void [same, choice, untyped, several, all, sequence, hash, type, ERROR_CODES.length];
}

declare function fetchWasm(): Promise<ArrayBuffer>;
