/**
 * A journal in one file, which one process writes: by `node:fs`, in Node, Deno and Bun. The Rust crate's `FileJournal`
 * reads and writes the same files.
 *
 * ```ts
 * const store = await DagStore.open({ journal: new FileJournal("votes.dag") });
 * ```
 *
 * - A commit is acknowledged once it is on the disk (`fdatasync`).
 * - While the journal is open, a file beside it, `votes.dag.lock`, names the process. Opening fails with `ERR_LOCKED`
 *   while that runs; where it is gone, the lock is taken over. Whether it runs can be told by processes of the same
 *   machine (and container) alone; for the others the error says which file to remove once that process surely is
 *   gone. It can't be told at all on Windows, nor in Deno without `--allow-all`, which `/proc` needs there.
 * - A record that is not sound, with no later one after it, is a write that broke off: opening cuts it off, and
 *   `status()` tells how much (`bytesCut`). Rot in the very last record looks the same. Any other damage is
 *   `ERR_CORRUPT`.
 * - A full disk is `ERR_QUOTA`: what was begun is taken back, and all goes on.
 *
 * @packageDocumentation
 */
import type { Checkpoint, Journal, JournalPromises, Medium, Segment, Tip } from "dag-store";

/** Options of {@link FileJournal}. */
export interface FileJournalOptions {
  /**
   * Reads the file as far as it can be read, without taking the lock and without changing anything: what follows some
   * damage is not given, and reading on fails with `ERR_CORRUPT`. Commits that are appended meanwhile are not seen.
   */
  readOnly?: boolean | undefined;
}

/** A journal in one file. */
export class FileJournal implements Journal {
  /** The journal in this file, which is made if it isn't there; its folder must be. Nothing is opened yet. */
  constructor(path: string, options?: FileJournalOptions);
  open(): Promise<JournalPromises>;
  append(after: Tip, segments: readonly Segment[]): Promise<boolean>;
  read(after: number, maxBytes: number): Promise<Segment[]>;
  checkpoint(): Promise<Checkpoint | undefined>;
  writeCheckpoint(checkpoint: Checkpoint, parts: AsyncIterable<Uint8Array>): Promise<boolean>;
  readCheckpoint(checkpoint: Checkpoint, part: number): Promise<Uint8Array | undefined>;
  status(): Promise<Medium>;
  close(): Promise<void>;
}
