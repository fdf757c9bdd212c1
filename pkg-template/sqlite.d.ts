/**
 * A journal in an SQLite file, for servers: by `node:sqlite` in Node (22.13 or later) and Deno, by `bun:sqlite` in Bun.
 *
 * ```ts
 * const store = await DagStore.open({ journal: new SqliteJournal("votes.sqlite") });
 * ```
 *
 * - Each commit is one transaction of its own in the write-ahead log, synced to the disk (`synchronous = FULL`) unless
 *   told otherwise.
 * - Several processes of one machine may have the file open; they see each other's commits, and none is lost. A network's
 *   file system won't do.
 * - SQLite works on the calling thread, the wait for the disk and for other processes included.
 * - Its tables are named `dag_store_…`, unless told otherwise; the database may have others, of other journals too.
 *
 * @packageDocumentation
 */
import type { AbortSignalLike, Checkpoint, Journal, JournalPromises, Medium, Segment, Tip } from "dag-store";

/** Options of {@link SqliteJournal}. */
export interface SqliteJournalOptions {
  /**
   * `"strict"`, unless given. `"relaxed"` (`synchronous = NORMAL`) is faster, and may lose the last commits where the
   * machine fails, but not where only the process does.
   */
  durability?: "strict" | "relaxed" | undefined;
  /** What the names of its tables begin with, before an underscore: `"dag_store"`, unless given. */
  name?: string | undefined;
  /** Milliseconds that a write waits for other processes before it fails with `ERR_CONTENDED`: 5,000, unless given. */
  busyTimeout?: number | undefined;
}

/** A journal in an SQLite file. */
export class SqliteJournal implements Journal {
  /** The journal in this file, which is made if it isn't there. Nothing is opened yet. */
  constructor(path: string, options?: SqliteJournalOptions);
  open(): Promise<JournalPromises>;
  append(after: Tip, segments: readonly Segment[]): Promise<boolean>;
  read(after: number, maxBytes: number): Promise<Segment[]>;
  changed(after: number, signal: AbortSignalLike): Promise<void>;
  checkpoint(): Promise<Checkpoint | undefined>;
  writeCheckpoint(checkpoint: Checkpoint, parts: AsyncIterable<Uint8Array>): Promise<boolean>;
  readCheckpoint(checkpoint: Checkpoint, part: number): Promise<Uint8Array | undefined>;
  status(): Promise<Medium>;
  close(): Promise<void>;
}
