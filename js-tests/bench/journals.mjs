/**
 * How fast journals are: `node js-tests/bench/journals.mjs`, beside an installed `dag-store`, in a Node that has SQLite.
 *
 * Commits one at a time and as groups, batches of 1,000, opening, and bytes for each node. Plain SQLite with one row per
 * node and a sync for each is beside it, as what the same disk allows.
 */
import { DagStore } from "dag-store";
import { SqliteJournal } from "dag-store/sqlite";
import { MemoryJournal, MemoryMedium } from "dag-store/testing";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const ALONE = 300;
const GROUPED = 3_000;
const BATCHES = 20;

const folder = mkdtempSync(path.join(tmpdir(), "dag-store-bench-"));
const file = path.join(folder, "journal.sqlite");
const medium = new MemoryMedium();

const node = (i) => ({ content: { choice: "yes", member: `member ${i}` }, eventType: "vote", scopeId: "bench", timestamp: i });

/** How many a second. */
async function rate(count, run) {
  const start = performance.now();
  await run();
  return Math.round((1000 * count) / (performance.now() - start));
}

async function measure(name, journal) {
  let made = 0;
  let store = await DagStore.open({ journal: journal() });
  const alone = await rate(ALONE, async () => {
    for (let i = 0; i < ALONE; i++) await store.insert(node(made++));
  });
  const grouped = await rate(GROUPED, () => Promise.all(Array.from({ length: GROUPED }, () => store.insert(node(made++)))));
  const batches = await rate(1000 * BATCHES, async () => {
    for (let i = 0; i < BATCHES; i++) await store.insertMany(Array.from({ length: 1000 }, () => node(made++)));
  });
  await store.close();
  const opening = await rate(made, async () => {
    store = await DagStore.open({ journal: journal() });
  });
  const { bytesUsed } = (await store.status()).medium;
  await store.checkpoint();
  await store.close();
  const fromCheckpoint = await rate(made, async () => {
    store = await DagStore.open({ journal: journal() });
  });
  await store.close();
  console.log(name);
  console.log(`  commits a second: ${alone} alone, ${grouped} at once; nodes a second in batches of 1,000: ${batches}`);
  console.log(`  opening, nodes a second: ${opening}, from a checkpoint ${fromCheckpoint}`);
  if (bytesUsed) console.log(`  bytes a node: ${Math.round(bytesUsed / made)}`);
}

/** What the disk allows: a row and a sync each. */
async function measureRows() {
  const { DatabaseSync } = await import("node:sqlite");
  const rows = path.join(folder, "rows.sqlite");
  const database = new DatabaseSync(rows);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, node TEXT)");
  const insert = database.prepare("INSERT INTO rows (node) VALUES (?)");
  const alone = await rate(ALONE, () => {
    for (let i = 0; i < ALONE; i++) insert.run(JSON.stringify(node(i)));
  });
  database.close();
  console.log(`plain rows in SQLite\n  commits a second: ${alone} alone; bytes a node: ${Math.round(statSync(rows).size / ALONE)}`);
}

try {
  await measure("SQLite, strict", () => new SqliteJournal(file));
  await measure("memory", () => new MemoryJournal(medium));
  await measureRows();
} finally {
  rmSync(folder, { recursive: true });
}
