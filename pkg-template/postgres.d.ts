/**
 * A journal in a PostgreSQL database (12 or later), for servers: by `pg` or `postgres`, whichever the caller hands in. Any
 * number of processes on any machines may write it, those that use the crate's `PostgresJournal` among them.
 *
 * ```ts
 * const pool = new pg.Pool({ connectionString });
 * const store = await DagStore.open({ journal: new PostgresJournal(pool) });
 * ```
 *
 * - Each commit is one transaction, in which `nodes`, `edges` and `commits` change too: tables for whoever knows SQL.
 *   `docs/postgres.md` says what is in them, and which rights a role needs.
 * - What the database could not serialise, and a connection that was gone before the commit, are tried again: 8 times in all,
 *   with pauses of 5 seconds at most together. A commit whose connection died is looked for on another one; only where that can't be had either, it
 *   fails with `ERR_OUTCOME_UNKNOWN`.
 * - Who watches, or waits for others' commits, keeps one connection of the driver's for that.
 * - TLS, passwords and the number of connections (3 at least) are the driver's matter. It stays the caller's: closing the
 *   store leaves it open.
 * - Give a `Pool` of `pg` a listener for its event `"error"`: without one, Node ends the process when an idle connection dies.
 *
 * @packageDocumentation
 */
import type { AbortSignalLike, Checkpoint, Journal, JournalPromises, Medium, Segment, Tip } from "dag-store";

/** What is used of a `Pool` of `pg` (version 8). */
export interface PgPoolLike {
  connect(): Promise<{ release(destroy?: Error | boolean): void }>;
  query(text: string, values?: any[]): Promise<{ rows: any[] }>;
}

/** What is used of that which `postgres()` gives (version 3 of `postgres`). */
export interface PostgresSqlLike {
  (first: TemplateStringsArray, ...rest: any[]): any;
  unsafe(query: string, values?: any[]): any;
  begin(task: (sql: any) => any): Promise<any>;
  listen(channel: string, onNotify: (payload: string) => void, onListen?: () => void): PromiseLike<{ unlisten(): Promise<void> }>;
}

/** Options of {@link PostgresJournal}. */
export interface PostgresJournalOptions {
  /**
   * The schema that the tables are in, `"dag_store"` unless given; each journal has its own. A small letter, then up to 62
   * small letters, digits and underscores; not `pg_…`, which is PostgreSQL's own.
   */
  schema?: string | undefined;
  /**
   * `"strict"`, unless given. `"relaxed"` commits without waiting for the server's disk (`synchronous_commit = off`), and may
   * lose the last commits where the server fails.
   */
  durability?: "strict" | "relaxed" | undefined;
}

/** A journal in a PostgreSQL database. */
export class PostgresJournal implements Journal {
  /**
   * The journal in this database. Nothing is asked of it yet; opening the store makes the tables, where they are missing.
   *
   * @throws `ERR_INVALID_ARGUMENT` for what is neither driver, and for a name that is none.
   */
  constructor(database: PgPoolLike | PostgresSqlLike, options?: PostgresJournalOptions);
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
