/** Writes commits to a journal that others write to at the same time. */
import { DagStore } from "../../../../node_modules/dag-store/dist/browser.js";
import { IndexedDBJournal } from "../../../../node_modules/dag-store/dist/indexeddb.js";

export const open = () => DagStore.open({ journal: new IndexedDBJournal("shared") });

/** Gives the places of the commits and what they inserted. */
export async function write(store, scopeId, count) {
  const acknowledged = [];
  for (let i = 0; i < count; i++) {
    const { sequence, inserted } = await store.insertMany([{ content: i, eventType: "receipt", scopeId, timestamp: i }]);
    acknowledged.push([sequence, inserted[0]]);
  }
  return acknowledged;
}
