/** Writes commits to a journal in SQLite, and prints each once it is acknowledged: the file, the scope, how many. */
import { DagStore } from "dag-store";
import { SqliteJournal } from "dag-store/sqlite";
import { writeSync } from "node:fs";

const [, , file, scopeId, count] = process.argv;

const store = await DagStore.open({ journal: new SqliteJournal(file) });
for (let i = await store.size({ scopeId }), end = i + Number(count); i < end; i++) {
  const { sequence, inserted } = await store.insertMany([{ content: i, eventType: "receipt", scopeId, timestamp: i }]);
  writeSync(1, `${JSON.stringify([sequence, inserted[0]])}\n`);
}
await store.close();
