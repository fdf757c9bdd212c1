/** IndexedDB: a journal there, and `blockstore-idb`. Posts its rows at the end. */
import { IndexedDBJournal } from "dag-store/indexeddb";
import { IDBBlockstore } from "blockstore-idb";
import { blockstoreSubject } from "./by-hand.mjs";
import { journalSubject, measure } from "./measure.mjs";

const rounds = Number(new URLSearchParams(location.search).get("rounds"));
const subjects = [
  journalSubject("dag-store/indexeddb", "strict", () => new IndexedDBJournal("bench strict"), false),
  journalSubject("dag-store/indexeddb", "relaxed", () => new IndexedDBJournal("bench relaxed", { durability: "relaxed" }), false),
  blockstoreSubject("blockstore-idb", "durability as the browser has it", async () => {
    const store = new IDBBlockstore("bench blocks");
    await store.open();
    return store;
  }),
];
const end = await measure(subjects, { rounds }).then((rows) => ({ rows }), (error) => ({ error: String(error?.stack ?? error) }));
await fetch("/outcomes", { method: "POST", body: JSON.stringify({ end }) });
