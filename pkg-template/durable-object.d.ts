/**
 * A journal in the SQLite database of a Durable Object:
 *
 * ```ts
 * export class Room extends DurableObject {
 *   constructor(ctx, env) {
 *     super(ctx, env);
 *     ctx.blockConcurrencyWhile(async () => {
 *       this.store = await DagStore.open({ journal: new DurableObjectJournal(ctx.storage) });
 *     });
 *   }
 * }
 * ```
 *
 * - Each commit is one transaction, acknowledged when the platform has confirmed that it is durable. All is read from the
 *   database again when the object wakes from hibernation or was moved.
 * - It costs one row written per commit, and one more for each further MiB of it; a checkpoint, one per MiB and two,
 *   and the removal of the rows whose place it takes. Waking reads a row for each commit since the last checkpoint:
 *   write one now and then.
 * - Its tables are named `dag_store_…`, unless told otherwise; the object may have others, of other journals too.
 *
 * @packageDocumentation
 */
import type { Checkpoint, Journal, JournalPromises, Medium, Segment, Tip } from "dag-store";

/** The storage of a Durable Object, `ctx.storage`, as far as the journal needs it. */
export interface DurableObjectStorageLike {
  /** The object's database. */
  readonly sql: {
    /** Runs a query. */
    exec(
      query: string,
      ...bindings: any[]
    ): {
      /** Its rows. */
      toArray(): Record<string, any>[];
    };
    /** Bytes of the database. */
    readonly databaseSize: number;
  };
  /** Runs the closure in a transaction, which is undone where it throws. */
  transactionSync<T>(closure: () => T): T;
  /** Waits until all that was written is durable. */
  sync(): Promise<void>;
}

/** Options of {@link DurableObjectJournal}. */
export interface DurableObjectJournalOptions {
  /** What the names of its tables begin with, before an underscore: `"dag_store"`, unless given. */
  name?: string | undefined;
}

/** A journal in a Durable Object. */
export class DurableObjectJournal implements Journal {
  /** The journal in this storage. Nothing is read or written yet. */
  constructor(storage: DurableObjectStorageLike, options?: DurableObjectJournalOptions);
  open(): Promise<JournalPromises>;
  append(after: Tip, segments: readonly Segment[]): Promise<boolean>;
  read(after: number, maxBytes: number): Promise<Segment[]>;
  checkpoint(): Promise<Checkpoint | undefined>;
  writeCheckpoint(checkpoint: Checkpoint, parts: AsyncIterable<Uint8Array>): Promise<boolean>;
  readCheckpoint(checkpoint: Checkpoint, part: number): Promise<Uint8Array | undefined>;
  status(): Promise<Medium>;
  close(): Promise<void>;
}
