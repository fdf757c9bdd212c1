// Must compile, whatever the strictness and with no newer `lib` than ES2022.
import {
  type AbortSignalLike,
  Batch,
  type ByteStream,
  type Bytes,
  type CarExport,
  type CarInput,
  type CidObject,
  type CidPage,
  type CidWalk,
  type Commit,
  type CommitOptions,
  type CompareOptions,
  type Comparison,
  type Copied,
  type CopyOptions,
  type Condition,
  type CountOptions,
  type DagEventType,
  type DagNode,
  DagStore,
  DagStoreError,
  type DagStoreOptions,
  type Diff,
  type DiffOptions,
  ERROR_CODES,
  type ErrorCode,
  type ExportCarOptions,
  type GetManyOptions,
  type HeadsOptions,
  type ImportCarOptions,
  type Imported,
  type InsertManyOptions,
  type IsAncestorOptions,
  type LimitOptions,
  Link,
  type List,
  type ListOptions,
  type LongCallOptions,
  type MergeBasesOptions,
  type NodeId,
  type NodeInput,
  type Page,
  type PathOptions,
  type Progress,
  type RootsOptions,
  type Scope,
  type ScopesOptions,
  type SizeOptions,
  type StageManyOptions,
  type StateHashOptions,
  type TopologicalOptions,
  type Storable,
  toDagJson,
  type Value,
  type ValueInput,
  type Verified,
  type VerifyOptions,
  type Walk,
  type WalkOptions,
  type Watch,
  type WatchOptions,
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

  const news: Watch = store.watch({ scopeId: "s", eventTypes: ["vote"], only: "inserted", from: await store.sequence() });
  for await (const { sequence, inserted, removed } of news) if (sequence > inserted.length + removed.length) break;
  const { done, value } = await news.next();
  if (!done) value.sequence.toFixed();
  await news.return();
  await news[Symbol.asyncDispose]();
  await store.list({ afterCommit: 3 }).page();

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

export async function graph(store: DagStore, id: string, cid: CID, signal: AbortSignalLike): Promise<void> {
  const options: WalkOptions = { depth: 3, excluding: [id, cid], scopeId: "s", eventTypes: ["vote"], since: 1, limit: 9, signal };
  const walk: Walk<Ballot> = store.ancestors<Ballot>([id, cid, cid.bytes], options);
  for await (const node of walk) node.content.weight.toFixed();
  const ids: CidWalk = store.descendants(new Set([id]), { excluding: cid }).cids();
  for await (const id of ids) id.toUpperCase();
  const { cids, cursor }: CidPage = await ids.page();
  const all: TopologicalOptions = { cursor, scopeId: "s" };
  const nodes: DagNode[] = await store.topological(all).toArray();
  const how: DiffOptions = { until: 3, depth: 1 };
  const { left, right }: Diff = store.diff(id, cids, how);
  const sides: Page[] = [await left.page(), await right.page()];
  const of: RootsOptions = { scopeId: "s" };
  const relatives: string[][] = [await store.parents(id), await store.children(cid), await store.roots(of), await store.roots()];
  const long: IsAncestorOptions & MergeBasesOptions & PathOptions = { signal, onProgress: ({ done }) => done };
  const is: boolean = await store.isAncestor(id, cid, long);
  const bases: string[] = await store.mergeBases([id, cid], long);
  const path: string[] | undefined = await store.path(id, cid, long);
  void [nodes, sides, relatives, is, bases, path];
}

/** Interfaces, aliases and classes of data, none of which has an index signature. */
interface Member {
  name: string;
  since?: number;
  readonly keys: readonly Uint8Array[];
  introducedBy: CidObject | null;
}
type Minutes = { present: Member[]; agenda: [string, number]; votes: Map<string, Ballot>; chair: Member | "none" };
interface Thread {
  text: string;
  replies: Thread[];
}
enum Quorum {
  half,
  all = "all",
}
class Point {
  x = 1;
  y = 2;
}
declare const member: Member;
declare const minutes: Minutes;
declare const thread: Thread;
const node = { eventType: "receipt", scopeId: "garden-coop" };

export async function content(store: DagStore, batch: Batch, signal: AbortSignalLike): Promise<void> {
  await store.insert({ content: member, ...node });
  await store.insert({ content: minutes, ...node });
  await store.insert({ content: thread, ...node });
  await store.insert({ content: [member, [minutes, "x", 1n]], ...node });
  await store.insert({ content: { member, quorum: Quorum.half, more: { list: [thread] } }, ...node });
  await store.insert({ content: new Map([["a", member]]), ...node });
  await store.insert({ content: new Point(), ...node });
  await store.insert({ content: {} as Partial<Member>, ...node });
  await store.insert({ content: {} as Record<string, Ballot>, ...node });
  await store.insert({ content: member as Member | string, ...node });
  await store.insert({ content: JSON.parse("{}"), ...node });
  await store.insert({ content: new ArrayBuffer(1), ...node });
  await store.insert({ content: [new DataView(new ArrayBuffer(1)), new Float64Array(1)], ...node });
  await store.insert({ content: { link: CID.parse("bafy"), ours: Link.parse("bafy") }, ...node });
  await store.insert({ content: {} as ValueInput, ...node });
  await store.insert({ content: ["as", { const: 1 }], eventType: "vote", scopeId: "s" } as const);
  await batch.insert<Member>({ content: member, ...node });
  const input: NodeInput<Minutes> = { content: minutes, ...node };
  await batch.insert(input);
  const anything: NodeInput = { content: { any: [null, 1, "text"] }, ...node };
  await batch.insert(anything);
  // What was read can be inserted as it is, whatever its type.
  const read: DagNode<Minutes> | undefined = await store.get<Minutes>("bafy");
  if (read) await batch.insert(read);
  for await (const each of store.list<Thread>()) await batch.insert(each);

  // Many, of one type or of several, in whatever they come.
  await store.insertMany([input, anything, { content: 1, ...node }, { content: member, ...node }]);
  await store.insertMany(new Set([input]));
  await store.insertMany(store.list());
  await store.insertMany(store.list<Minutes>({ signal }), { signal, stateHash: true });
  await store.insertMany((function* () {
    yield { content: member, ...node };
    yield { content: ["x"], ...node };
  })());
  await batch.insertMany((async function* () {
    yield input;
    yield anything;
  })());
  await batch.insertMany([]);
  const rows: readonly DagNode<Ballot>[] = await store.list<Ballot>().toArray();
  await batch.insertMany(rows);
  await generic(store, member);
}

/** A function of one's own, over content of any type. */
async function generic<T>(store: DagStore, content: Storable<T>): Promise<DagNode<T> | undefined> {
  return store.get<T>(await store.insert<T>({ content, ...node }));
}

export async function cars(store: DagStore, signal: AbortSignalLike, cid: CidObject): Promise<string> {
  const options: ExportCarOptions = { signal, scopeId: "s", pastOf: ["bafy", cid], notPastOf: [], afterCommit: 1 };
  store.exportCar({ pastOf: cid, notPastOf: new Set([cid, "bafy"]) });
  const car: CarExport = store.exportCar(options);
  const bytes: Bytes = await car.toBytes();
  const same: Uint8Array = bytes;
  for await (const chunk of car) bytes.set(chunk);
  const importing: ImportCarOptions = { signal, id: "0", conditions: [{ heads: [] }], stateHash: true };
  const { roots, inserted, sequence }: Imported = await store.importCar(bytes, importing);
  const stream: ByteStream = car.stream();
  const inputs: CarInput[] = [bytes.buffer as ArrayBuffer, { body: null }, { ok: true, body: null }, [same, new DataView(new ArrayBuffer(1))], car, (async function* () { yield bytes; })()];
  for (const input of inputs) await store.importCar(input);
  void [inserted, sequence, stream, new DagStoreError("ERR_LIMIT", "", { offset: 1 }).offset];
  return toDagJson({ content: { roots, cid }, ...node });
}

export async function long(store: DagStore, batch: Batch, signal: AbortSignalLike): Promise<void> {
  const onProgress = ({ done, total }: Progress) => void (total === undefined ? done : done / total);
  const following: LongCallOptions = { signal, onProgress };
  const insertion: InsertManyOptions = { ...following, id: new Uint8Array(16) };
  const staging: StageManyOptions = following;
  const listing: ListOptions = { ...following, limit: 10, since: 0, until: 1, cursor: undefined };
  const getting: GetManyOptions = following;
  const hashing: StateHashOptions = { ...following, scopeId: "s" };
  const verifying: VerifyOptions = { signal: undefined, onProgress: undefined };
  const counting: CountOptions = { ...following, ...hashing, eventTypes: ["vote"], since: 0, until: undefined };
  const comparing: CompareOptions = hashing;
  const part: ScopesOptions = { after: "s", limit: 9 };
  const watching: WatchOptions = { signal, from: undefined, only: undefined };
  const sizing: SizeOptions = { scopeId: "s" };
  const heading: HeadsOptions = sizing;
  const limits: LimitOptions = { batchBytes: 1, batchOperations: 1, contentDepth: 1, history: 1 };
  const condition: Condition = { heads: [] };
  const id: NodeId = new Uint8Array(36);
  await store.insertMany([], insertion);
  await batch.insertMany([], staging);
  const page: Page<Ballot> = await store.list<Ballot>(listing).page();
  await store.getMany<Ballot>([id], getting);
  await store.stateHash(hashing);
  const { nodes, links, stateHash }: Verified = await store.verify(verifying);
  await store.size(sizing);
  const count: number = await store.count(counting);
  const scopes: Scope[] = await store.scopes(part);
  const { onlyHere, onlyThere, visited, stateHashes: [here, there] }: Comparison = await store.compare(store, comparing);
  void [count, scopes[0]?.scopeId, scopes[0]?.nodes.toFixed(), onlyHere.length + onlyThere.length + visited, here + there];
  const copying: CopyOptions = { ...following, verify: true };
  const copied: Copied = await store.copyTo(store, copying);
  void [copied.nodes + copied.bytes + copied.skipped + copied.total, copied.stateHash?.length];
  await store.watch(watching).next();
  await store.heads(heading);
  await batch.commit({ ...following, conditions: [condition] });
  await store.insertMany([], { onProgress: () => {} });
  void [page, nodes, links, stateHash, new DagStore({ limits })];
}

declare function fetchWasm(): Promise<ArrayBuffer>;
