/**
 * For those who write a {@link Journal}: its contract as test cases, a journal in memory to begin
 * from, and one that fails on purpose.
 *
 * @packageDocumentation
 */
import type { AbortSignalLike, Checkpoint, Journal, JournalPromises, Medium, Segment, Tip } from "dag-store";

/**
 * The contract of `Journal`, as cases for any test runner:
 *
 * ```ts
 * for (const { name, run } of journalCases(() => new MyMedium())) test(name, run);
 * ```
 *
 * @param makeMedium makes a new, empty medium, for each case one
 */
export function journalCases(makeMedium: () => JournalMedium | Promise<JournalMedium>): JournalCase[];

/** What journals are on: a file, a database. */
export interface JournalMedium {
  /**
   * A journal on this medium, not opened yet. It is called again after that was closed or, where many writers are
   * promised, beside it: each journal it gives stands for another process or tab.
   */
  open(): Journal | Promise<Journal>;
  /** Removes the medium. All its journals are closed by then. */
  remove?(): void | Promise<void>;
}

/** One case. */
export interface JournalCase {
  /** What must hold. */
  name: string;
  /** Fails with an `Error` that tells what is wrong. Where it is about something that the journal does not promise, gives that as text. */
  run(): Promise<string | undefined>;
}

/** What a {@link MemoryJournal} writes to: gone with the process. Journals on the same one see each other's segments. */
export class MemoryMedium {
  constructor();
  /** All that is there now. */
  readonly segments: readonly Segment[];
}

/** A journal in memory: the smallest there is, for tests, and to begin from when you write one. */
export class MemoryJournal implements Journal {
  /** A journal on this medium; on one of its own, unless given. */
  constructor(medium?: MemoryMedium);
  open(): Promise<JournalPromises>;
  append(after: Tip, segments: readonly Segment[]): Promise<boolean>;
  read(after: number, maxBytes: number): Promise<Segment[]>;
  changed(after: number, signal: AbortSignalLike): Promise<void>;
  checkpoint(): Promise<Checkpoint | undefined>;
  writeCheckpoint(checkpoint: Checkpoint, parts: AsyncIterable<Uint8Array>): Promise<boolean>;
  readCheckpoint(checkpoint: Checkpoint, part: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** The calls of a journal that can be made to fail. */
export type JournalCall = "open" | "append" | "read" | "changed" | "checkpoint" | "writeCheckpoint" | "readCheckpoint" | "status" | "close";

/** Which calls of a {@link FaultyJournal} fail, and how. */
export interface Fault {
  /** Only calls of this method count; all, unless given. */
  call?: JournalCall | undefined;
  /** Which of them fails: 1, the first, unless given. */
  at?: number | undefined;
  /** Whether those after it fail, too: `"once"`, unless given. */
  times?: "once" | "always" | undefined;
  /**
   * Whether it fails before its effect (so unless given), after it, or with half of it done: half of the segments, half
   * of a checkpoint's parts. Of other calls there is no half.
   */
  when?: "before" | "after" | "half" | undefined;
  /** What it fails with; unless given, `ERR_STORAGE`, or `ERR_OUTCOME_UNKNOWN` where an append has had an effect. */
  error?: unknown;
}

/** A journal that fails on purpose, and passes everything else on to another. */
export class FaultyJournal implements Journal {
  constructor(journal: Journal, fault?: Fault);
  /** How many calls were made that the fault counts. */
  readonly calls: number;
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
