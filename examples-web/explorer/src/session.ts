import { type Commit, DagStore } from "dag-store";
import { IndexedDBJournal } from "dag-store/indexeddb";
import { type Dataset, fill } from "./dataset";

/** A store in IndexedDB with what was chosen in it, and what its other tabs commit. */
export class Session {
  readonly store: DagStore;
  readonly journal: IndexedDBJournal;
  readonly dataset: Dataset;

  private constructor(store: DagStore, journal: IndexedDBJournal, dataset: Dataset) {
    this.store = store;
    this.journal = journal;
    this.dataset = dataset;
  }

  /** Opens it, and fills it where it is empty and nobody has filled it before. */
  static async open(dataset: Dataset, onProgress: (share: number) => void): Promise<Session> {
    const journal = new IndexedDBJournal(databaseOf(dataset));
    const store = await DagStore.open({ journal });
    // One tab after the other, so that they don't fill it both.
    await navigator.locks.request(databaseOf(dataset), async () => {
      await store.refresh();
      if ((await store.sequence()) === 0) await fill(store, dataset, onProgress);
    });
    return new Session(store, journal, dataset);
  }

  /** All commits since the first, then each as it comes, whichever tab it is from. */
  async follow(onCommit: (commit: Commit) => Promise<void>): Promise<void> {
    try {
      for await (const commit of this.store.watch({ from: 1 })) await onCommit(commit);
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_EVICTED") throw error;
      // Another tab has begun anew, and so does this one.
      location.reload();
    }
  }

  /** Deletes everything, in all tabs, and begins anew. */
  async startOver(): Promise<void> {
    await this.store.close();
    await IndexedDBJournal.delete(databaseOf(this.dataset));
    location.reload();
  }
}

const databaseOf = (dataset: Dataset): string => `dag-store-explorer:${dataset.name}`;
