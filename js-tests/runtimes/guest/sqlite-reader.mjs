/** Opens a journal in SQLite, checks everything in the store, and prints its nodes in the order of the commits. */
import { DagStore } from "dag-store";
import { SqliteJournal } from "dag-store/sqlite";

const store = await DagStore.open({ journal: new SqliteJournal(process.argv[2]) });
const { stateHash } = await store.verify();
const cids = (await store.list().toArray()).map(({ cid }) => cid);
console.log(JSON.stringify({ sequence: store.opened.sequence, stateHash, cids }));
await store.close();
