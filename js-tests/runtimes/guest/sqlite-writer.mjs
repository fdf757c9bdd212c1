/**
 * Writes commits to a journal in SQLite, and prints each once it is acknowledged: the file, the scope, how many. Where others
 * write, too, it watches the store until there are so many in all, and prints what it saw and the state hash that it then has.
 */
import { DagStore } from "dag-store";
import { SqliteJournal } from "dag-store/sqlite";
import { writeSync } from "node:fs";

const [, , file, scopeId, count, inAll] = process.argv;
const print = (what) => writeSync(1, `${JSON.stringify(what)}\n`);

const store = await DagStore.open({ journal: new SqliteJournal(file) });
for (let i = await store.size({ scopeId }), end = i + Number(count); i < end; i++) {
  const { sequence, inserted } = await store.insertMany([{ content: i, eventType: "receipt", scopeId, timestamp: i }]);
  print([sequence, inserted[0]]);
}
if (inAll !== undefined) {
  const cids = [];
  for await (const { inserted } of store.watch({ from: 1 })) {
    cids.push(...inserted);
    if (cids.length >= Number(inAll)) break;
  }
  print({ cids, stateHash: await store.stateHash() });
}
await store.close();
