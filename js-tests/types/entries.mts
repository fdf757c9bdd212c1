/** Every entry, by `import`. */
import * as main from "dag-store";
import wasm from "dag-store/dag.wasm";
import { DurableObjectJournal } from "dag-store/durable-object";
import { IndexedDBJournal } from "dag-store/indexeddb";
import * as inline from "dag-store/inline";
import { type PgPoolLike, PostgresJournal, type PostgresSqlLike } from "dag-store/postgres";
import { init, type WasmSource } from "dag-store/slim";
import * as slim from "dag-store/slim";
import { SqliteJournal } from "dag-store/sqlite";
import { FaultyJournal, MemoryJournal, journalCases } from "dag-store/testing";

const source: WasmSource = wasm;
init(source);
init(Promise.resolve(new Uint8Array(8)));
// @ts-expect-error a number is no wasm
init(7);

// The classes are the same in all of them.
const stores: main.DagStore[] = [new main.DagStore(), new inline.DagStore(), new slim.DagStore()];
const code: main.ErrorCode = new inline.DagStoreError("ERR_LIMIT", "").code;

// Journals are journals, and so is one of your own.
declare const storage: ConstructorParameters<typeof DurableObjectJournal>[0];
declare const pool: PgPoolLike;
declare const sql: PostgresSqlLike;
const journals: main.Journal[] = [
  new PostgresJournal(pool, { schema: "votes" }),
  new PostgresJournal(sql, { durability: "relaxed" }),
  new IndexedDBJournal("name", { durability: "relaxed" }),
  new SqliteJournal("file", { busyTimeout: 100 }),
  new DurableObjectJournal(storage, { name: "votes" }),
  new FaultyJournal(new MemoryJournal(), { call: "append", when: "half" }),
];
const least: main.Journal = {
  open: async () => ({ durability: "strict", writers: "one", watch: false, checkpoints: false }),
  append: async (after, segments) => after.sequence + 1 === segments[0]?.sequence,
  read: async () => [],
  close: async () => {},
};
async function open(): Promise<number | undefined> {
  const store = await main.DagStore.open({ journal: least, limits: { parents: 5 }, onProgress: () => {} });
  const { medium, promises } = await store.status();
  const { damage, sequence } = await main.DagStore.recover({ journal: least });
  const cases: string[] = journalCases(() => ({ open: () => least })).map(({ name }) => name);
  const isThere: boolean = await store.hasCommit("00".repeat(16));
  return isThere || promises?.watch || damage?.code === "ERR_CORRUPT" ? medium?.bytesUsed : sequence + cases.length;
}
// @ts-expect-error a store in memory is made, not opened
main.DagStore.open({});
// @ts-expect-error a connection string is no driver
new PostgresJournal("postgres://localhost");
// @ts-expect-error there is no such call
new FaultyJournal(least, { call: "write" });
export { code, journals, open, stores };
