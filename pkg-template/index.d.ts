/**
 * A store for the nodes of a Merkle DAG: events that link to the events they follow from, each named by
 * the hash of its own bytes.
 *
 * @packageDocumentation
 */

// Named here so that nobody needs a newer `lib` for it; where the engine lacks a symbol, so does the class.
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}

/**
 * Bytes of your own, as calls give them: `Uint8Array<ArrayBuffer>` to TypeScript 5.7 and later, so that `new Blob([bytes])`,
 * `new Response(bytes)` and `crypto.subtle.digest("SHA-256", bytes)` take them; `Uint8Array` to earlier ones.
 */
export type Bytes = ReturnType<typeof Uint8Array.from>;

/**
 * A value of a node's content, as it is read. Integers beyond ±(2^53 − 1) are `bigint`.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Bytes
  | Link
  | Value[]
  | { [key: string]: Value };

/**
 * A value of a node's content, as it can be given: everything that can be read, and what becomes it.
 * Other buffers become bytes, a `Map` with strings for keys becomes an object, a `CID` of `multiformats`
 * becomes a {@link Link}.
 */
export type ValueInput =
  | null
  | boolean
  | number
  | bigint
  | string
  | ArrayBuffer
  | ArrayBufferView
  | CidObject
  | readonly ValueInput[]
  | ReadonlyMap<string, ValueInput>
  | { readonly [key: string]: ValueInput };

/**
 * A type as it can be given for content: the type itself, if all of it can be stored; else one with
 * {@link NotStorable} in the places that can't. Interfaces need no index signature.
 *
 * In a function of your own that takes content of any type: `<T>(content: Storable<T>)`, and
 * `store.insert<T>({ content, … })`.
 */
export type Storable<T> = T extends ValueInput
  ? T
  : T extends undefined | symbol | ((...args: never) => unknown) | (abstract new (...args: never) => unknown)
    ? NotStorable
    : T extends ReadonlyMap<infer Key, infer Item>
      ? ReadonlyMap<Key extends string ? Key : NotStorable, Storable<Item>>
      : T extends object
        ? { [Key in keyof T]: Storable<T[Key]> }
        : NotStorable;

/**
 * Stands in a compiler's message where content can't be stored: `undefined`, functions, symbols, and
 * what has methods, such as a `Date`. Say what it means in plain data, such as `date.toISOString()`.
 */
export interface NotStorable {
  /** Nothing has this: it is there to be read in the message. */
  readonly "content can't hold this": never;
}

/** A CID as an object: a {@link Link}, or a `CID` of `multiformats`. */
export interface CidObject {
  /** 0 or 1; a node's CID has 1. */
  readonly version: number;
  /** The multicodec of what it names; of a node 0x71, dag-cbor. */
  readonly code: number;
  /** The CID in binary. */
  readonly bytes: Uint8Array;
}

/** What names a node: its CID as text in any multibase, as 36 bytes, or as an object. */
export type NodeId = string | Uint8Array | CidObject;

/** What kind of event a node is: one of these, or a type of your own (1 to 255 bytes in UTF-8). */
export type DagEventType =
  | "genesis"
  | "proposal"
  | "vote"
  | "execution"
  | "attestation"
  | "receipt"
  | "anchor"
  | (string & {});

/** A node to be inserted. What `get` and `list` give can be inserted again as it is. */
export interface NodeInput<Content = ValueInput> {
  /** What happened: any value that IPLD has a place for. */
  content: Storable<Content>;
  /** What kind of event it is. */
  eventType: DagEventType;
  /** Whose event it is, 1 to 255 bytes in UTF-8. */
  scopeId: string;
  /** When it happened, in Unix milliseconds (0 to 2^53 − 1); now, unless given. */
  timestamp?: number | undefined;
  /** The events that it follows from, none twice. They must be in the store, or come in the same batch. */
  parents?: readonly NodeId[] | undefined;
  /** 1 to 64 bytes that tell apart two events which are otherwise identical. */
  nonce?: Uint8Array | undefined;
  /** If given, the node must have this CID, else `ERR_INVALID_CID`. */
  cid?: NodeId | undefined;
}

/** Nodes to be inserted, in an array, a generator, a {@link List}, a stream … */
export type NodesInput<Node extends NodeInput<any> = NodeInput> = (Iterable<Node> | AsyncIterable<Node>) &
  (Iterable<NodeInput<Node["content"]>> | AsyncIterable<NodeInput<Node["content"]>>);

/** A node as it is read. */
export interface DagNode<Content = Value> {
  /** Its CID, in base32. */
  cid: string;
  /** What happened. */
  content: Content;
  /** What kind of event it is. */
  eventType: DagEventType;
  /** Whose event it is. */
  scopeId: string;
  /** Unix milliseconds. */
  timestamp: number;
  /** The CIDs of its parents, in base32, in the order given. */
  parents: string[];
  /** What tells it apart from an event that is otherwise identical, where it was given such. */
  nonce?: Bytes;
}

/** How a call that may take long is followed, and given up. */
export interface LongCallOptions {
  /**
   * Gives the call up when it is aborted: it fails with `ERR_ABORTED`, whose `cause` is the signal's reason,
   * and leaves nothing behind, a copy nothing but whole commits. A commit that has begun to apply its changes goes on to its end.
   */
  signal?: AbortSignalLike | undefined;
  /**
   * Is told how far the call is, every few milliseconds and at its end. If it throws, the call is given up,
   * with what was thrown as the `cause`.
   */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** How far a call is: `done` of `total` steps. They never go back, and are even in number, not in time. */
export interface Progress {
  /**
   * Nodes, for `list`, `getMany`, `exportCar` and `copyTo`. For `insertMany` each node counts twice: when it was read, and
   * when it is in its place; for `importCar` each byte does. For all others, pieces of work.
   */
  done: number;
  /** Not there while nobody knows, as of nodes that come from a generator. Of `compare` it is what is known by then. */
  total?: number;
}

/** An `AbortSignal`, named here so that nobody needs a `lib` for it. */
export interface AbortSignalLike {
  /** Whether it was aborted. */
  readonly aborted: boolean;
  /** Why. */
  readonly reason?: unknown;
  /** Calls the listener when it is aborted. */
  addEventListener(type: "abort", listener: () => void): void;
  /** Calls it no more. */
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Options of a new store. */
export interface DagStoreOptions {
  /** How large things may be. Beyond a limit a call fails with `ERR_LIMIT`. */
  limits?: LimitOptions | undefined;
}

/** The limits of a store. One that is set above its ceiling is taken as the ceiling. */
export interface LimitOptions {
  /** Bytes of one block: 1 MiB unless set, 64 MiB at most. */
  blockBytes?: number | undefined;
  /** Parents of one node: 1,024 unless set, 65,536 at most. */
  parents?: number | undefined;
  /** Lists and maps within one another in a node's content: 127 unless set, 1,024 at most. */
  contentDepth?: number | undefined;
  /** Operations of one batch: 1,000,000 unless set, 16,000,000 at most. */
  batchOperations?: number | undefined;
  /** Bytes of all blocks that one batch inserts: 256 MiB unless set, 1 GiB at most. */
  batchBytes?: number | undefined;
  /**
   * How many commits a store remembers, at least, for those who watch it and for lists that begin after a
   * commit, and how many removed nodes: 65,536 of each unless set, 16,777,216 at most. Beyond it is
   * `ERR_COMPACTED`. Inserts of single nodes in a row count as one commit.
   */
  history?: number | undefined;
}

/**
 * Commits in order, as bytes on some medium: what {@link DagStore.open} keeps a store in.
 *
 * Each commit is one {@link Segment}, numbered 1, 2, 3 … without gaps. To a journal its bytes are opaque; the store
 * makes and checks them. A journal brings three things: that a group of segments is there wholly or not at all, that
 * nobody overwrites what another has written, and that what it said is written stays.
 *
 * The package has some: `dag-store/indexeddb`, `dag-store/durable-object`, `dag-store/sqlite`. To write one of your own
 * takes some fifty lines: begin from `MemoryJournal` of `dag-store/testing`, and run `journalCases` over it.
 *
 * - Errors are {@link DagStoreError}s. All but `ERR_OUTCOME_UNKNOWN` say that nothing was changed; a journal that can't
 *   tell says that one. Anything else that an append throws is taken for it, too.
 * - What it is given it may keep until the Promise settles, and no longer; what it gives is a copy.
 * - A store makes one call at a time, `changed` and `status` apart. Nothing it calls need be quick.
 */
export interface Journal {
  /** Opens the medium, and tells what the journal promises. The first call, made once. */
  open(): Promise<JournalPromises>;
  /**
   * Adds these segments, all or none, if `after` is the journal's last commit now. Gives `false`, and adds nothing,
   * where it isn't: another writer was first. The segments are one or more, numbered on from `after`, and have no more
   * bytes in all than `maxAppend`.
   *
   * `ERR_QUOTA` where the medium is full, `ERR_STORAGE` where it fails otherwise: nothing was added.
   * `ERR_OUTCOME_UNKNOWN`: perhaps all of it was.
   */
  append(after: Tip, segments: readonly Segment[]): Promise<boolean>;
  /**
   * Reads the segments after this number, in order: at least one if there is any, and no more once they have `maxBytes`
   * in all. None means that there are none. `ERR_COMPACTED` where a checkpoint stands in their place.
   */
  read(after: number, maxBytes: number): Promise<Segment[]>;
  /**
   * Waits until there may be a commit after this number. It may be wrong about that, but must not miss one. Ends, too,
   * when the signal is aborted, and when the journal is closed. Needed where `watch` is promised.
   */
  changed?(after: number, signal: AbortSignalLike): Promise<void>;
  /** The checkpoint in force, if one was ever written. Needed, as the next two, where `checkpoints` are promised. */
  checkpoint?(): Promise<Checkpoint | undefined>;
  /**
   * Writes a checkpoint, and brings it into force in one step once all its parts are there. Gives `false`, and changes
   * nothing, where one of the same or a later commit is in force already. From then on the segments up to its commit
   * may go. Where the parts give an error, that is passed on, and nothing has changed. Meanwhile `append`, `read` and
   * `checkpoint` may be called.
   */
  writeCheckpoint?(checkpoint: Checkpoint, parts: AsyncIterable<Uint8Array>): Promise<boolean>;
  /**
   * Reads a part of the checkpoint in force: number 0, 1, 2 … until there are no more. Joined, they are what was
   * written; where they are cut is up to the journal. `ERR_COMPACTED` where another has come into force.
   */
  readCheckpoint?(checkpoint: Checkpoint, part: number): Promise<Uint8Array | undefined>;
  /** What is known of the medium. */
  status?(): Promise<Medium>;
  /**
   * Gives up whatever the journal holds, after what it does already. All later calls but this one fail with
   * `ERR_CLOSED`.
   */
  close(): Promise<void>;
}

/** What a journal promises. A store relies on nothing else. */
export interface JournalPromises {
  /**
   * What acknowledged commits survive: a loss of power (`"strict"`: the medium itself has said that it is written), or
   * the end of the process or less (`"relaxed"`). What is there is a prefix of what was committed in any case.
   */
  durability: "strict" | "relaxed";
  /** Whether other stores may have the journal open, and write to it. */
  writers: "one" | "many";
  /** Whether `changed` tells of other writers' commits. */
  watch: boolean;
  /** Whether checkpoints can be written. */
  checkpoints: boolean;
  /** Bytes of the segments that one append can take, where there is a limit. A larger commit fails with `ERR_LIMIT`. */
  maxAppend?: number | undefined;
}

/** One commit, as a journal keeps it. */
export interface Segment {
  /** Its place in the history, 1 for the first. */
  sequence: number;
  /** The CID of the commit's own block, 36 bytes, which names all that comes before it too. */
  commit: Uint8Array;
  /** A CAR v1 file; the specification has its layout. */
  bytes: Uint8Array;
}

/** The last commit of a journal: where its chain ends. */
export interface Tip {
  /** 0 where there is none yet. */
  sequence: number;
  /** The CID of its block, 36 bytes; `undefined` where there is none yet. */
  commit?: Uint8Array | undefined;
}

/** What stands in a journal in place of the commits up to one of them. */
export interface Checkpoint {
  /** The commit's place in the history. */
  sequence: number;
  /** The CID of the commit's block, 36 bytes. */
  commit: Uint8Array;
  /** The state hash after it, 32 bytes. */
  stateHash: Uint8Array;
}

/** What is known of the medium that a journal is on; what isn't known is not there. */
export interface Medium {
  /** Bytes that the journal takes there, or all that is kept in its place, whichever is known. */
  bytesUsed?: number | undefined;
  /** Bytes that it may take. */
  bytesQuota?: number | undefined;
  /** Whether the medium has promised not to clear it away of its own accord. */
  persisted?: boolean | undefined;
  /** Bytes that were cut off the end when the journal was opened: of a write that broke off, never acknowledged. */
  bytesCut?: number | undefined;
}

/** Which part of the store a question is about. */
export interface ScopeOptions {
  /** One scope; the whole store, unless given. */
  scopeId?: string | undefined;
}

/** Options of {@link DagStore.size}. */
export interface SizeOptions extends ScopeOptions {}

/** What to count. */
export interface CountOptions extends ScopeOptions, LongCallOptions {
  /** Only nodes of these types; of no type, if the array is empty. All of the scopes and the time are looked at then. */
  eventTypes?: readonly DagEventType[] | undefined;
  /** Only nodes of this time (Unix milliseconds) or later. */
  since?: number | undefined;
  /** Only nodes of this time (Unix milliseconds) or earlier. */
  until?: number | undefined;
  /**
   * Only nodes that came to be in the store after the commit with this sequence number; all since are looked at then.
   * `ERR_INVALID_ARGUMENT` where there is no such commit yet.
   */
  afterCommit?: number | undefined;
}

/** Options of {@link DagStore.scopes}. */
export interface ScopesOptions {
  /** Only scopes after this one, which need not be there. */
  after?: string | undefined;
  /** No more scopes than this; all of them, unless given. */
  limit?: number | undefined;
}

/** A scope that has nodes. */
export interface Scope {
  /** Its name. */
  scopeId: string;
  /** How many nodes it has: one at least. */
  nodes: number;
}

/**
 * Options of {@link DagStore.compare}. What one scope lacks may have parents in another: look for these first.
 */
export interface CompareOptions extends ScopeOptions, LongCallOptions {}

/** How two stores differ. */
export interface Comparison {
  /** The nodes that only this store has: by scope (by the bytes of its id), then by time, then by digest. */
  onlyHere: string[];
  /** The nodes that only the other one has, in the same order. */
  onlyThere: string[];
  /** The state hashes of this store and of the other one, or of the scope in them: what was compared. */
  stateHashes: [here: string, there: string];
  /** How many parts of their trees were read, in both together; two, where nothing differs. */
  visited: number;
}

/** Options of {@link DagStore.copyTo}. */
export interface CopyOptions extends LongCallOptions {
  /**
   * Ends only when both stores are known to be the same: every block, link and hash of the other one is checked anew,
   * and its state hash must be the one that this store has.
   */
  verify?: boolean | undefined;
}

/** What a copy did. */
export interface Copied {
  /** How many nodes were written, since the other store had not got them. */
  nodes: number;
  /** How many bytes their blocks have together. */
  bytes: number;
  /** How many nodes were not written, since the other store has them already. */
  skipped: number;
  /** How many nodes the store that was copied had. */
  total: number;
  /**
   * The state hash that both stores had at the end. Not there where the two differ, because the other one holds more, or
   * somebody has written meanwhile; with `verify` it always is.
   */
  stateHash: string | undefined;
}

/** Options of {@link DagStore.heads}. */
export interface HeadsOptions extends ScopeOptions {}

/** Options of {@link DagStore.stateHash}. */
export interface StateHashOptions extends ScopeOptions, LongCallOptions {}

/** Options of {@link DagStore.verify}. */
export interface VerifyOptions extends LongCallOptions {}

/** Options of {@link DagStore.getMany}. */
export interface GetManyOptions extends LongCallOptions {}

/** Options of {@link DagStore.insertMany}. */
export interface InsertManyOptions extends CommitOptions {}

/** Options of {@link Batch.insertMany}. */
export interface StageManyOptions extends LongCallOptions {}

/** What to list. Filters choose nodes, and never change the order. */
export interface ListOptions extends ScopeOptions, LongCallOptions {
  /** Only nodes of these types; of no type, if the array is empty. */
  eventTypes?: readonly DagEventType[] | undefined;
  /** Only nodes of this time (Unix milliseconds) or later. */
  since?: number | undefined;
  /** Only nodes of this time (Unix milliseconds) or earlier. */
  until?: number | undefined;
  /**
   * Only nodes that came to be in the store after the commit with this sequence number; `ERR_COMPACTED` where the
   * store no longer knows which those are, and `ERR_INVALID_ARGUMENT` where there is no such commit yet.
   */
  afterCommit?: number | undefined;
  /**
   * `"insertion"`, unless given: parents always come before their children. `"time"` is by timestamp, and
   * needs a scope.
   */
  order?: "insertion" | "time" | undefined;
  /** From the end to the beginning. */
  reverse?: boolean | undefined;
  /** No more nodes than this; of a {@link List.page}, 256 unless given. */
  limit?: number | undefined;
  /** Only what comes after the page that gave this cursor. */
  cursor?: string | undefined;
}

/**
 * A list that is yet to be read: a page at a time, as the loop over it goes on. Each loop reads it anew. What
 * is inserted meanwhile may or may not come, so don't insert a node for each that comes.
 */
export interface List<Content = Value> extends AsyncIterable<DagNode<Content>> {
  /** Reads it from the beginning, a page at a time. */
  [Symbol.asyncIterator](): AsyncGenerator<DagNode<Content>, void, void>;
  /** Reads all of it. */
  toArray(): Promise<DagNode<Content>[]>;
  /** Reads one page. Of up to 1,024 nodes it is what the store held at one moment. */
  page(): Promise<Page<Content>>;
}

/** One page of a list. */
export interface Page<Content = Value> {
  /** The nodes, in the order of the list or walk. */
  nodes: DagNode<Content>[];
  /** Where the next page begins; `undefined` at the end. It stays valid while others write. */
  cursor: string | undefined;
}

/** What to be told of. A commit without any such node is passed over. */
export interface WatchOptions extends ScopeOptions {
  /** Only nodes of these types; of no type, if the array is empty. */
  eventTypes?: readonly DagEventType[] | undefined;
  /** Only nodes that came, or only nodes that went. */
  only?: "inserted" | "removed" | undefined;
  /**
   * From the commit with this sequence number on; 0 is the same as 1, the first. To go on after a commit, give
   * `commit.sequence + 1`. Unless given: the first commit after the call. `ERR_COMPACTED` where the store has
   * forgotten it; `ERR_INVALID_ARGUMENT` beyond the next commit, since such a number comes from another store, or
   * from one that has lost what it had.
   */
  from?: number | undefined;
  /** Ends the watch with `ERR_ABORTED` when it is aborted; its reason is the `cause`. */
  signal?: AbortSignalLike | undefined;
}

/**
 * The commits of a store, as they come, each once and in order; of each only the nodes that were asked for. To be
 * looped over once: it goes on until the loop is left, the signal is aborted, or the store is closed
 * (`ERR_CLOSED`). After an error it is over.
 *
 * It has no buffer. The store remembers its last commits for all who watch (`history` of {@link LimitOptions}); a
 * loop that falls further behind gets `ERR_COMPACTED`. Read the store anew then, as at the beginning.
 */
export interface Watch extends AsyncIterableIterator<Commit> {
  /** Waits for the next commit. */
  next(): Promise<IteratorResult<Commit, undefined>>;
  /** Ends it; whoever waits for a commit is told that there are no more. */
  return(): Promise<IteratorResult<Commit, undefined>>;
  /** Gives the watch itself. */
  [Symbol.asyncIterator](): this;
  /** The same as {@link Watch.return}, by `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Options of {@link DagStore.roots}. */
export interface RootsOptions extends ScopeOptions {}

/** Options of {@link DagStore.isAncestor}. */
export interface IsAncestorOptions extends LongCallOptions {}

/** Options of {@link DagStore.mergeBases}. */
export interface MergeBasesOptions extends LongCallOptions {}

/** Options of {@link DagStore.path}. */
export interface PathOptions extends LongCallOptions {}

/**
 * Which nodes of a walk to give. Filters choose nodes; they change neither the order nor where the walk goes,
 * so it passes through nodes that it does not give.
 */
export interface WalkFilters extends ScopeOptions, LongCallOptions {
  /** Only nodes of these types; of no type, if the array is empty. */
  eventTypes?: readonly DagEventType[] | undefined;
  /** Only nodes of this time (Unix milliseconds) or later. */
  since?: number | undefined;
  /** Only nodes of this time (Unix milliseconds) or earlier. */
  until?: number | undefined;
  /** No more nodes than this; of a page, 256 unless given. */
  limit?: number | undefined;
}

/** Options of {@link DagStore.topological}. */
export interface TopologicalOptions extends WalkFilters {
  /** Only what comes after the page that gave this cursor. */
  cursor?: string | undefined;
}

/** Options of {@link DagStore.ancestors} and {@link DagStore.descendants}. */
export interface WalkOptions extends WalkFilters {
  /** How many links away from the nearest start the walk goes; 0 is the starts alone. */
  depth?: number | undefined;
  /** Leaves out these nodes, and all that a walk from them would reach: `git rev-list starts ^excluded`. */
  excluding?: NodeId | Iterable<NodeId> | undefined;
  /**
   * Only what comes after the page that gave this cursor, whose walk goes on: the starts and what is excluded
   * don't matter then; give the depth and the filters again.
   */
  cursor?: string | undefined;
}

/** Options of {@link DagStore.diff}. */
export interface DiffOptions extends WalkFilters {
  /** How many links away from the nearest of its starts either side goes. */
  depth?: number | undefined;
  /**
   * Only what comes after the page that gave this cursor, on the side whose page that was: read no other with it. What is
   * left and right doesn't matter then; give the depth and the filters again.
   */
  cursor?: string | undefined;
}

/** What only the one, and what only the other of two sets of nodes reaches. */
export interface Diff<Content = Value> {
  /** What only the left nodes reach. */
  left: Walk<Content>;
  /** What only the right nodes reach. */
  right: Walk<Content>;
}

/**
 * A walk that is yet to be made: a page at a time, as the loop over it goes on. Each loop makes it anew.
 *
 * Its order is by generation (0 for a node without parents, else 1 + the largest of its parents), then timestamp,
 * then digest; towards ancestors from the highest down, else from the lowest up. So it depends on the nodes
 * alone: the same ones give the same sequence in every store. The starts are part of their walk. What is inserted
 * meanwhile may or may not come; what is removed meanwhile is left out, and so may be what only that led to.
 */
export interface Walk<Content = Value> extends AsyncIterable<DagNode<Content>> {
  /** Makes it from the beginning, a page at a time. */
  [Symbol.asyncIterator](): AsyncGenerator<DagNode<Content>, void, void>;
  /** The same walk, giving CIDs: many times as fast. */
  cids(): CidWalk;
  /** Makes all of it. */
  toArray(): Promise<DagNode<Content>[]>;
  /** Makes one page of it. */
  page(): Promise<Page<Content>>;
}

/** A {@link Walk} that gives CIDs. */
export interface CidWalk extends AsyncIterable<string> {
  /** Makes it from the beginning, a page at a time. */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, void>;
  /** Makes all of it. */
  toArray(): Promise<string[]>;
  /** Makes one page of it. */
  page(): Promise<CidPage>;
}

/** One page of a walk that gives CIDs. */
export interface CidPage {
  /** The CIDs, in the order of the walk. */
  cids: string[];
  /**
   * Where the next page begins; `undefined` at the end. It stays valid while others write. Its length is in
   * proportion to how wide the DAG is where the page ended: 72 characters for each node that comes next.
   */
  cursor: string | undefined;
}

/** What must hold at the moment of a commit; else it fails with `ERR_CONDITION_FAILED`. */
export type Condition =
  /** The heads, of the store or of one scope, are these and no others. */
  | { heads: readonly NodeId[]; scopeId?: string | undefined; stateHash?: never; absent?: never }
  /** The state hash of the store is this. */
  | { stateHash: string; heads?: never; scopeId?: never; absent?: never }
  /** This node is not in the store. */
  | { absent: NodeId; heads?: never; scopeId?: never; stateHash?: never };

/** How to commit. */
export interface CommitOptions extends LongCallOptions {
  /** The commit's name: 16 bytes, or 32 lower-case hexadecimal digits. Made up, unless given. */
  id?: string | Uint8Array | undefined;
  /** What must hold at that moment, all of it; else nothing is committed. */
  conditions?: readonly Condition[] | undefined;
  /** Whether to compute the state hash after the commit. It is the store's own work, some microseconds a node. */
  stateHash?: boolean | undefined;
}

/**
 * What a commit did. One without net effect is none: its lists are empty, and its sequence number is that
 * of the commit before.
 */
export interface Commit {
  /** Its place in the store's history, from 1. */
  sequence: number;
  /** Its name, 32 hexadecimal digits. */
  id: string;
  /** The nodes that were not there before, in the order they were placed. */
  inserted: string[];
  /** The nodes that are no longer there. */
  removed: string[];
  /** The state hash after it, where it was asked for. */
  stateHash?: string;
}

/** Options of {@link DagStore.importCar}. */
export interface ImportCarOptions extends CommitOptions {}

/** What the import of a CAR file did: one commit. */
export interface Imported extends Commit {
  /** The roots, as the file names them. */
  roots: string[];
}

/**
 * A CAR file, in whatever way one has its bytes: in memory, as a `Blob` or `File`, a `Response` or a `Request`,
 * a stream of the web or of Node, an {@link CarExport export} of another store; or in pieces of any size, from any
 * iterable.
 */
export type CarInput =
  | ArrayBuffer
  | ArrayBufferView
  | Iterable<ArrayBuffer | ArrayBufferView>
  | AsyncIterable<ArrayBuffer | ArrayBufferView>
  | ByteStreamLike
  | { readonly size: number; stream(): ByteStreamLike }
  | { readonly ok?: boolean | undefined; readonly body: ByteStreamLike | null };

/** A `ReadableStream` of bytes, named here so that nobody needs a `lib` for it. */
export interface ByteStreamLike {
  /** What reads it, and can give it up. */
  getReader(): {
    read(): Promise<{ done: boolean; value?: ArrayBuffer | ArrayBufferView | undefined }>;
    cancel(): Promise<void>;
  };
}

/** The `ReadableStream` of wherever this is compiled for. */
export type ByteStream = typeof globalThis extends { ReadableStream: { prototype: infer Stream } }
  ? Stream
  : ByteStreamLike;

/** Which nodes to export: those that all of this is true of. */
export interface ExportCarOptions extends ScopeOptions, LongCallOptions {
  /** Only this node or these, and their ancestors; `ERR_NOT_FOUND` where one of them is not there. */
  pastOf?: NodeId | Iterable<NodeId> | undefined;
  /** Not this node or these, nor their ancestors: what the reader has already. One that is not there says nothing. */
  notPastOf?: NodeId | Iterable<NodeId> | undefined;
  /**
   * Only nodes that were inserted after the commit of this sequence number. `ERR_COMPACTED` where that is forgotten,
   * and `ERR_INVALID_ARGUMENT` where there is no such commit yet.
   */
  afterCommit?: number | undefined;
}

/**
 * A CAR file that is yet to be written: in chunks of some 256 KiB, of which memory holds one at a time. Each
 * loop writes it anew.
 *
 * It is of version 1. Its blocks are in insertion order, so parents come before their children; its roots are
 * those of its nodes that have no child in it, up to 1,024 of the newest.
 *
 * It has the nodes that the store held when the first chunk was asked for, whatever is inserted meanwhile. If one
 * of them is removed before it was written, it ends with `ERR_CONDITION_FAILED`: export again.
 */
export interface CarExport extends AsyncIterable<Bytes> {
  /** Writes it from the beginning, a chunk at a time. */
  [Symbol.asyncIterator](): AsyncGenerator<Bytes, void, void>;
  /** Writes all of it into memory. */
  toBytes(): Promise<Bytes>;
  /** Gives it as a `ReadableStream`, as in `new Response(store.exportCar().stream())`. */
  stream(): ByteStream;
}

/** A scope and a time, both ends included. */
export interface ProofRange {
  /** The scope. */
  scopeId: string;
  /** Unix milliseconds; the beginning of time, unless given. */
  since?: number | undefined;
  /** Unix milliseconds; the end of time, unless given. */
  until?: number | undefined;
}

/** A proof, and the hash of the state that it is about: the store's, at some moment of the call. */
export interface Proof {
  /** 64 hexadecimal digits. Whoever checks the proof must have it from someone they trust. */
  stateHash: string;
  /** Some hundreds of bytes; of a range, some 50 more for each node in it. */
  proof: Bytes;
}

/** What {@link DagStore.verify} found in order. */
export interface Verified {
  /** How many nodes were checked. */
  nodes: number;
  /** How many links to parents were followed. */
  links: number;
  /** The state hash, computed from the blocks alone. */
  stateHash: string;
}

/** Options of {@link DagStore.open}. */
export interface OpenOptions extends DagStoreOptions, LongCallOptions {
  /** What the store is kept in. It belongs to the store from now on, which closes it. */
  journal: Journal;
}

/** Options of {@link DagStore.recover}. */
export interface RecoverOptions extends OpenOptions {}

/** What opening a store found in its journal. */
export interface Opened {
  /** The last commit's place in the history; 0 where the journal was empty. */
  sequence: number;
  /** The place of the commit whose checkpoint was read, if there was one. */
  checkpoint?: number;
  /** How many commits were replayed, after that. */
  commits: number;
  /** Bytes that the journal had cut off its end: of a commit that broke off before it was acknowledged. */
  bytesCut: number;
}

/** What could be saved from a journal that is damaged. */
export interface Recovered {
  /** A store in memory, with everything up to the damage. */
  store: DagStore;
  /** The place in the history of the last commit that is in it; 0 where there is none. */
  sequence: number;
  /** What is wrong with what comes next, if anything is. */
  damage?: DagStoreError;
}

/** How a store is kept, and where. */
export interface Status {
  /** The last commit's place in the history; 0 where there is none. */
  sequence: number;
  /** What opening it found. Not there for a store in memory; nor are the next two. */
  opened?: Opened;
  /** What its journal promises. */
  promises?: JournalPromises;
  /** What is known of the medium that the journal is on. */
  medium?: Medium;
}

/** Options of {@link DagStore.changed}. */
export interface ChangedOptions {
  /** Ends the waiting when it is aborted, with `ERR_ABORTED`. */
  signal?: AbortSignalLike | undefined;
}

/** Options of {@link DagStore.checkpoint}. */
export interface CheckpointOptions extends LongCallOptions {}

/**
 * A store: in memory, or kept in a {@link Journal}.
 *
 * Nothing is loaded until the first call. Calls give Promises, rejected with nothing but a
 * {@link DagStoreError}. Calls may overlap: reads go ahead, writes take effect in the order of the calls.
 * What you pass is copied within the call, what you get is yours.
 *
 * The work itself is done on the calling thread, some microseconds a node. Calls that take long do it a few
 * milliseconds at a time, and give way to the event loop in between. Of what is passed to them only the first
 * part (1,024 nodes or 1 MiB) is copied within the call: leave the rest as it is until the Promise settles.
 */
export class DagStore {
  /** An empty store. All stores of a process share one instance of the wasm, of 4 GiB at most. */
  constructor(options?: DagStoreOptions);

  /**
   * Opens a store on a journal: all that was committed through it is there, and all that will be committed outlives
   * the store. Every hash is checked; `ERR_CORRUPT` names the first commit that is not as it was written, and then
   * {@link DagStore.recover} gives what comes before it.
   *
   * A write then settles once the journal has it. Reads never wait for that. Writes that wait at the same time are
   * appended together, each with its own outcome. Where one fails with `ERR_OUTCOME_UNKNOWN` the store answers nothing
   * more (`ERR_NEEDS_REOPEN`); once it is opened anew, {@link hasCommit} tells whether it happened.
   *
   * What other tabs or processes commit to the same journal is taken in as soon as the journal tells of it (`watch`),
   * else with the next write. Close the store when you are done with it.
   */
  static open(options: OpenOptions): Promise<DagStore>;
  /**
   * Reads all that can be read from a journal that is damaged, into a store in memory. Writes nothing to the journal,
   * and closes it.
   */
  static recover(options: RecoverOptions): Promise<Recovered>;

  /** What opening this store found; `undefined` for one in memory. */
  readonly opened: Opened | undefined;

  /** Inserts a node, and gives its CID. Inserting what is there already changes nothing. */
  insert<Content>(node: NodeInput<Content>): Promise<string>;
  /**
   * Inserts nodes in one commit: all of them, or none. Parents may come after their children. To replay
   * another store: `replica.insertMany(store.list())`.
   *
   * Later writes wait for it. If the nodes come from an asynchronous iterable it takes its place among the
   * writes when all have come, and not before; what gives them may write to the same store. Where that fails, so does
   * the call, with `ERR_STORAGE` and the error as its `cause`.
   */
  insertMany<Node extends NodeInput<any>>(nodes: NodesInput<Node>, options?: InsertManyOptions): Promise<Commit>;
  /**
   * Imports the nodes of a CAR file of version 1 or 2, in one commit: all of them, or none. From a stream it is
   * read as it comes.
   *
   * Every block must be a node that hashes to its CID. Their order does not matter, nor that some are there
   * already. Roots must be nodes of the file or of the store, so that a file that was cut short is refused. Errors
   * about the file tell at which byte of it ({@link DagStoreError.offset}); of several nodes whose parents are nowhere,
   * the first. Where a stream or an asynchronous iterable breaks off it is `ERR_STORAGE`, with the `cause`. Its
   * place among the writes is as for `insertMany`.
   */
  importCar(car: CarInput, options?: ImportCarOptions): Promise<Imported>;
  /** Inserts a block from elsewhere, which must be a node in canonical DAG-CBOR; gives its CID. */
  insertBlock(block: Uint8Array | ArrayBuffer): Promise<string>;
  /** Removes a node, which must have no children (`ERR_HAS_CHILDREN`); `false` where it wasn't there. */
  remove(id: NodeId): Promise<boolean>;

  /** Reads a node; `undefined` where it isn't there. */
  get<Content = Value>(id: NodeId): Promise<DagNode<Content> | undefined>;
  /**
   * Reads nodes, in the order of the ids. Up to 1,024 of them are as the store held them at one moment; more are
   * read in such parts, between which others may write.
   */
  getMany<Content = Value>(ids: Iterable<NodeId>, options?: GetManyOptions): Promise<(DagNode<Content> | undefined)[]>;
  /** Reads a node's block: the bytes that its CID is the hash of. */
  getBlock(id: NodeId): Promise<Bytes | undefined>;
  /** Tells whether a node is there. */
  has(id: NodeId): Promise<boolean>;

  /** Lists nodes. Nothing is read before you loop over the list, or call `toArray` or `page`. */
  list<Content = Value>(options?: ListOptions): List<Content>;
  /** Exports nodes as a CAR file. Nothing is read before you loop over it, or call `toBytes` or read the `stream`. */
  exportCar(options?: ExportCarOptions): CarExport;
  /**
   * Watches the store: a loop over it gets every commit after this call, or `from` an earlier one on. To have
   * everything, and then whatever is new:
   *
   * ```js
   * const sequence = await store.sequence();
   * for await (const node of store.list()) show(node);
   * for await (const { inserted } of store.watch({ from: sequence + 1 })) for (const id of inserted) show(await store.get(id));
   * ```
   *
   * (What came in between is then seen twice, and nothing is missed.)
   */
  watch(options?: WatchOptions): Watch;
  /** The sequence number of the last commit; 0 before the first. */
  sequence(): Promise<number>;
  /** How many nodes there are. */
  size(options?: SizeOptions): Promise<number>;
  /** How many nodes a list with these filters would give, without listing them: for a vote count, say. */
  count(options?: CountOptions): Promise<number>;
  /** The scopes that have nodes, sorted by the bytes of their ids. Up to 1,024 of them are of one moment. */
  scopes(options?: ScopesOptions): Promise<Scope[]>;
  /** The nodes without children in the store or, of a scope, in the same scope. */
  heads(options?: HeadsOptions): Promise<string[]>;
  /** The nodes without parents or, of a scope, the scope's nodes without parents in the same scope. */
  roots(options?: RootsOptions): Promise<string[]>;

  /**
   * The parents of a node, in its own order. Here and in all that follows, a node that is asked about and is
   * not there is `ERR_NOT_FOUND`, with its `cid`.
   */
  parents(id: NodeId): Promise<string[]>;
  /** The children of a node, in insertion order. */
  children(id: NodeId): Promise<string[]>;
  /** Walks from nodes to their ancestors, themselves included: children always before parents. */
  ancestors<Content = Value>(ids: NodeId | Iterable<NodeId>, options?: WalkOptions): Walk<Content>;
  /** Walks from nodes to their descendants, themselves included: parents always before children. */
  descendants<Content = Value>(ids: NodeId | Iterable<NodeId>, options?: WalkOptions): Walk<Content>;
  /**
   * Walks over all nodes, or all of a scope: parents always before children, and in the same order wherever there
   * are the same nodes. Each page looks at all nodes, so take large ones, or loop over it.
   */
  topological<Content = Value>(options?: TopologicalOptions): Walk<Content>;
  /** The ancestors of the left nodes that aren't ancestors of the right ones, and the other way about. */
  diff<Content = Value>(
    left: NodeId | Iterable<NodeId>,
    right: NodeId | Iterable<NodeId>,
    options?: DiffOptions,
  ): Diff<Content>;
  /** Tells whether links lead from the descendant to the ancestor. A node is its own ancestor, as in git. */
  isAncestor(ancestor: NodeId, descendant: NodeId, options?: IsAncestorOptions): Promise<boolean>;
  /**
   * The best common ancestors of all these nodes: those that are no ancestors of another common ancestor. There
   * may be several, or none.
   */
  mergeBases(ids: Iterable<NodeId>, options?: MergeBasesOptions): Promise<string[]>;
  /**
   * A shortest path between two nodes, from the first to the second, both included; `undefined` where neither is
   * an ancestor of the other. Of several, the one that, seen from the descendant, takes first parents first.
   */
  path(from: NodeId, to: NodeId, options?: PathOptions): Promise<string[] | undefined>;

  /** The hash of the set of all nodes, as 64 hexadecimal digits: who has the same nodes has the same hash. */
  stateHash(options?: StateHashOptions): Promise<string>;
  /**
   * Proves that a node is in the store, to whoever has its block and the state hash: see `verifyPresence` of
   * `dag-store/verify`. Fails with `ERR_NOT_FOUND` where it isn't.
   */
  prove(id: NodeId): Promise<Proof>;
  /**
   * Proves that a node, given in full or as its block, is *not* in the store: see `verifyAbsence` of
   * `dag-store/verify`. Fails with `ERR_CONDITION_FAILED` where it is.
   */
  proveAbsent<Content>(node: NodeInput<Content> | Uint8Array | ArrayBuffer): Promise<Proof>;
  /**
   * Proves which nodes of a scope and a time are in the store, and that there are no others: see
   * `verifyRange` of `dag-store/verify`.
   */
  proveRange(range: ProofRange): Promise<Proof>;
  /**
   * Finds the nodes that only one of two stores has, from the top of their trees down: what both have is not
   * looked at, so that it takes some microseconds for each difference, however large the stores. Where one is
   * written to meanwhile it begins anew, and after eight times fails with `ERR_CONTENDED`. That is for differences so
   * large, in a store so busy, that it never rests for as long: bring over the most of them by `exportCar` first, which
   * is of one state whatever is inserted meanwhile, and compare then; or compare scope by scope.
   */
  compare(other: DagStore, options?: CompareOptions): Promise<Comparison>;
  /**
   * Inserts all nodes of this store into another one that lacks them, in insertion order and in as many commits as it
   * takes: so any storage is moved to any other, with some megabytes of memory.
   *
   * - Given up, or failed, it leaves what was committed. Made again, it goes on where it ended.
   * - The other store may hold other nodes, and keeps them; with `verify` that is `ERR_CONDITION_FAILED` in the end, with
   *   the first of them as `cid`.
   * - What this store had when the copy began is copied; with `verify`, what comes meanwhile is too, or the copy ends
   *   with `ERR_CONTENDED` where that never rests.
   * - `onProgress` counts nodes.
   *
   * ```ts
   * await using from = await DagStore.open({ journal: new FileJournal("votes.dag") });
   * await using to = await DagStore.open({ journal: new SqliteJournal("votes.sqlite") });
   * const { nodes, stateHash } = await from.copyTo(to, { verify: true });
   * ```
   */
  copyTo(other: DagStore, options?: CopyOptions): Promise<Copied>;
  /** Checks all blocks, links and the state hash anew; fails with `ERR_CORRUPT` if something is broken. */
  verify(options?: VerifyOptions): Promise<Verified>;

  /** How this store is kept, and where. */
  status(): Promise<Status>;
  /** Takes in what other writers of the journal have committed; gives how many commits that were. */
  refresh(): Promise<number>;
  /**
   * Waits until there may be something for {@link refresh}: for ever, where nobody else writes or the journal doesn't
   * promise to tell. Where it does promise that, a process stays alive as long as somebody waits, here or for the next
   * commit that is watched.
   */
  changed(options?: ChangedOptions): Promise<void>;
  /**
   * Tells whether the commit with this id has happened: for whoever was told `ERR_OUTCOME_UNKNOWN`, after opening the
   * store anew. `ERR_COMPACTED` where it might be one of those that a checkpoint stands in the place of. The last
   * 4,096 are always remembered; by a store in memory, none.
   */
  hasCommit(id: string | Uint8Array): Promise<boolean>;
  /**
   * Writes all nodes to the journal as a checkpoint, in the place of the commits so far: opening is faster then, and
   * what was removed is gone from the medium. Gives `false` where another writer's is as new. Reads go on meanwhile,
   * commits wait.
   */
  checkpoint(options?: CheckpointOptions): Promise<boolean>;

  /** Begins a batch. */
  beginBatch(): Promise<Batch>;

  /**
   * Closes the store and rolls back its batches. Calls made before go first, even long ones; only what still
   * waits for an asynchronous iterable fails with `ERR_CLOSED`, and so does a loop over a list, at its next page.
   * Closing it again does nothing.
   */
  close(): Promise<void>;
  /** The same as {@link close}, by `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Changes that nobody sees until they are committed, all at once. Comes from {@link DagStore.beginBatch}.
 *
 * A batch that is freed, disposed of (`using`) or lost without a commit is rolled back. Any number may be
 * open; each is checked against the store as it is when it commits. Calls on one batch take effect in their
 * order, and the last operation on a node wins. Once it is closed, all calls but `rollback` and `free` fail
 * with `ERR_BATCH_CLOSED`.
 */
export class Batch {
  private constructor();

  /** Stages the insertion of a node, and gives its CID. Parents may be staged after their children. */
  insert<Content>(node: NodeInput<Content>): Promise<string>;
  /** Stages the insertion of nodes, all of them or none, and gives their CIDs. */
  insertMany<Node extends NodeInput<any>>(nodes: NodesInput<Node>, options?: StageManyOptions): Promise<string[]>;
  /** Stages the insertion of a block from elsewhere, and gives its CID. */
  insertBlock(block: Uint8Array | ArrayBuffer): Promise<string>;
  /** Stages the removal of a node. */
  remove(id: NodeId): Promise<void>;
  /** Stages the removal of nodes, of all of them or none. */
  removeMany(ids: Iterable<NodeId>): Promise<void>;
  /** Reads a node as it would be after the commit. */
  get<Content = Value>(id: NodeId): Promise<DagNode<Content> | undefined>;

  /**
   * Applies what is staged, all or nothing. Either way the batch is closed, unless the options can't be
   * read. A staging call that was refused has left nothing behind: await those before you commit.
   */
  commit(options?: CommitOptions): Promise<Commit>;
  /**
   * Forgets what is staged, and closes the batch; what is still being staged fails with `ERR_BATCH_CLOSED`. On a
   * closed batch this does nothing, and a commit goes on.
   */
  rollback(): Promise<void>;
  /** The same as {@link rollback}, at once. */
  free(): void;
  /** The same as {@link free}, by `using`. */
  [Symbol.dispose](): void;
  /** The same as {@link rollback}, by `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A link in a node's content: any CID, as a value. `CID.asCID(link)` of `multiformats` takes it, and where
 * this package takes a link it takes a `CID` of `multiformats` too.
 */
export class Link implements CidObject {
  /** Takes the bytes of a CID, which become the link's own. */
  constructor(bytes: Uint8Array);
  /** Reads the text of a CID, in any multibase. */
  static parse(text: string): Link;

  /** 0, or 1. */
  readonly version: 0 | 1;
  /** The multicodec of what it links to. */
  readonly code: number;
  /** The hash in it. */
  readonly multihash: {
    /** Which hash it is; 0x12 is SHA-256. */
    readonly code: number;
    /** How many bytes the digest has. */
    readonly size: number;
    /** The digest. */
    readonly digest: Bytes;
    /** All of this in binary. */
    readonly bytes: Bytes;
  };
  /** The CID in binary. */
  readonly bytes: Bytes;
  /** The same bytes, by which `CID.asCID` knows a CID. */
  readonly "/": Bytes;

  /** Whether the other one is the same CID: a link, or a `CID` of `multiformats`. */
  equals(other: unknown): boolean;
  /** The CID as text: base32, or base58 where it is a CIDv0. */
  toString(): string;
  /** The link in DAG-JSON. */
  toJSON(): {
    /** The CID as text. */
    "/": string;
  };
}

/**
 * A node as [DAG-JSON](https://ipld.io/specs/codecs/dag-json/spec/), for people to read: the fields of its block
 * under their names there, links as `{"/":"<CID>"}`, bytes as `{"/":{"bytes":"<base64>"}}`. Takes what `insert`
 * takes, and throws what that rejects with where the node is none; only that a `cid` in it is the node's takes a store
 * to check. The CID is of the block, not of this text.
 */
export function toDagJson<Content>(node: NodeInput<Content>): string;

/** What went wrong, for programs. */
export type ErrorCode =
  /** A question about a node that is not in the store. (`get` gives `undefined` instead.) */
  | "ERR_NOT_FOUND"
  /** An id that is no node's CID, or one that the node or block given with it does not have. */
  | "ERR_INVALID_CID"
  /** A node or block that breaks the format, or content that IPLD has no place for. */
  | "ERR_INVALID_NODE"
  /** An argument that makes no sense, other than a node or an id. */
  | "ERR_INVALID_ARGUMENT"
  /** A block of a later format. */
  | "ERR_UNSUPPORTED_VERSION"
  /** A node whose parent is neither in the store nor in the batch. */
  | "ERR_MISSING_PARENT"
  /** A node can't be removed while the store holds a child of it. */
  | "ERR_HAS_CHILDREN"
  /** Something is larger than the store's limits allow. */
  | "ERR_LIMIT"
  /** A condition of the commit does not hold. */
  | "ERR_CONDITION_FAILED"
  /** Other writers came first, again and again. */
  | "ERR_CONTENDED"
  /** The storage is open elsewhere, and takes one writer alone. The message names who has it. */
  | "ERR_LOCKED"
  /** The storage gave bytes that are not what was written. */
  | "ERR_CORRUPT"
  /** A batch used after it was committed or rolled back, or its store closed. */
  | "ERR_BATCH_CLOSED"
  /** A store used after it was closed. */
  | "ERR_CLOSED"
  /** A write was half applied; the store must be opened again. */
  | "ERR_NEEDS_REOPEN"
  /** The WebAssembly instance died. A new `DagStore` gets a new one. */
  | "ERR_POISONED"
  /** The commit may or may not have happened; after reopening, its id tells. */
  | "ERR_OUTCOME_UNKNOWN"
  /** The past that was asked for is no longer kept. */
  | "ERR_COMPACTED"
  /** What a journal held is gone: the browser has deleted it, or somebody has. */
  | "ERR_EVICTED"
  /** There is no room left, in memory or on the storage. Nothing was changed. */
  | "ERR_QUOTA"
  /**
   * The storage failed, or what gave the nodes or the file that were to be taken in, or the WebAssembly could not be
   * loaded; `cause` says how.
   */
  | "ERR_STORAGE"
  /** The caller gave the call up: by its signal, whose reason is the `cause`, or by an `onProgress` that threw. */
  | "ERR_ABORTED";

/** Every {@link ErrorCode} there is. */
export const ERROR_CODES: readonly ErrorCode[];

/**
 * The one error of this package. `instanceof` knows those of other copies of the package too, as where one
 * program has it both by `import` and by `require`.
 */
export class DagStoreError extends Error {
  constructor(
    code: ErrorCode,
    message: string,
    details?: { cid?: string; parent?: string; commitId?: string; offset?: number; cause?: unknown },
  );
  /** The same for all, whatever the code. */
  readonly name: "DagStoreError";
  /** What went wrong. Stable, unlike the message. */
  readonly code: ErrorCode;
  /** The node that it speaks of. */
  readonly cid?: string;
  /** The parent that is missing. */
  readonly parent?: string;
  /** The commit that it speaks of. */
  readonly commitId?: string;
  /** The byte of a CAR file at which the part begins that is at fault, or at which the file ends too early. */
  readonly offset?: number;
  /** The error beneath it, such as one that a stream or a proxy in your content threw. */
  readonly cause?: unknown;
}
