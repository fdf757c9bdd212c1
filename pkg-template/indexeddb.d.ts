/**
 * A journal in a browser's IndexedDB, for windows and workers, any number of them at a time:
 *
 * ```ts
 * const store = await DagStore.open({ journal: new IndexedDBJournal("my-app") });
 * ```
 *
 * - Each commit is one transaction, and acknowledged by its `complete` event, at `durability: "strict"` unless told
 *   otherwise: the browser has asked the operating system to write it to the disk by then.
 * - Other tabs and workers of the same origin may have it open; they see each other's commits, and none is lost.
 * - Where the browser drops the connection, the journal opens it again. An append that was under way then fails with
 *   `ERR_OUTCOME_UNKNOWN`.
 * - A browser may delete all that an origin has kept: where room runs out, or after days without a visit. Ask it not to
 *   by {@link IndexedDBJournal.persist}. A page remembers in its `localStorage` that there was something, so that
 *   opening fails with `ERR_EVICTED` rather than find an empty journal. Workers have none, and a browser may delete that
 *   too: where it matters, keep the state hash of the last commit somewhere else.
 * - Chromium deletes all that an origin keeps in IndexedDB where it finds its own files damaged; that was seen after it had
 *   been killed in the middle of writing.
 *
 * @packageDocumentation
 */
import type { AbortSignalLike, Checkpoint, Journal, JournalPromises, Medium, Segment, Tip } from "dag-store";

/** Options of {@link IndexedDBJournal}. */
export interface IndexedDBJournalOptions {
  /**
   * `"strict"`, unless given. `"relaxed"` is faster, and may lose the last commits where the machine fails, but not
   * where only the tab does. A browser that knows no durability is refused as `"strict"`.
   */
  durability?: "strict" | "relaxed" | undefined;
}

/** A journal in IndexedDB. */
export class IndexedDBJournal implements Journal {
  /** The journal in the database of this name. Nothing is opened yet. */
  constructor(name: string, options?: IndexedDBJournalOptions);
  /** Deletes a journal, wherever it is open, and forgets that it was there. */
  static delete(name: string): Promise<void>;
  open(): Promise<JournalPromises>;
  append(after: Tip, segments: readonly Segment[]): Promise<boolean>;
  read(after: number, maxBytes: number): Promise<Segment[]>;
  changed(after: number, signal: AbortSignalLike): Promise<void>;
  checkpoint(): Promise<Checkpoint | undefined>;
  writeCheckpoint(checkpoint: Checkpoint, parts: AsyncIterable<Uint8Array>): Promise<boolean>;
  readCheckpoint(checkpoint: Checkpoint, part: number): Promise<Uint8Array | undefined>;
  status(): Promise<Medium>;
  close(): Promise<void>;
  /**
   * Asks the browser not to delete what the origin keeps (`navigator.storage.persist()`); some ask the user. Tells
   * whether it has promised that. `status()` says so, too, and how much room there is.
   */
  persist(): Promise<boolean>;
}
