/** What goes wrong with a database in a file, and what the journal in SQLite makes of it. Beside the suite of journals. */
import { equal, node, ok, rejects } from "./expect.mjs";

const COMMITS = 20;
const EACH = 10;
/** Every so many bytes of the file are damaged; a prime, so that it is another place of each page. */
const STEP = 61;

/** A path in a folder of its own, for as long as the task runs. */
async function inFolder(task) {
  const [fs, os, path] = await Promise.all(["node:fs", "node:os", "node:path"].map((name) => import(name)));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "dag-store-sqlite-"));
  try {
    return await task(path.join(folder, "journal.sqlite"), fs);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** Writes a journal of 200 nodes, and closes it; gives their CIDs. */
async function written({ DagStore, SqliteJournal }, file, checkpointAfter) {
  const store = await DagStore.open({ journal: new SqliteJournal(file) });
  const cids = [];
  for (let commit = 0; commit < COMMITS; commit++) {
    const { inserted } = await store.insertMany(Array.from({ length: EACH }, (_, i) => node(commit * EACH + i)));
    cids.push(...inserted);
    if (commit + 1 === checkpointAfter) await store.checkpoint();
  }
  await store.close();
  return cids;
}

/** What can be read of a journal, or the code of the error. */
async function read({ DagStore, SqliteJournal }, file) {
  let store;
  try {
    store = await DagStore.open({ journal: new SqliteJournal(file) });
    return (await store.list().toArray()).map(({ cid }) => cid);
  } catch (error) {
    equal(error?.name, "DagStoreError", error?.stack);
    return error.code;
  } finally {
    await store?.close();
  }
}

const sqliteModule = () => import(globalThis.Bun ? "bun:sqlite" : "node:sqlite");

/** Opens a store on a database of no more than this many pages; gives it, and a way to let it have more. */
async function limited({ DagStore, SqliteJournal }, file, pages) {
  const module = await sqliteModule();
  const { prototype } = module.DatabaseSync ?? module.Database;
  const { prepare } = prototype;
  let database;
  prototype.prepare = function (sql) {
    database ??= this;
    return prepare.call(this, sql);
  };
  const limit = (pages) => database.exec(`PRAGMA max_page_count = ${pages}`);
  try {
    const store = await DagStore.open({ journal: new SqliteJournal(file) });
    limit(pages);
    return { store, limit };
  } finally {
    prototype.prepare = prepare;
  }
}

/** Damages one byte after the other, so many apart, of a journal without a checkpoint and of one that has one. */
export const damageEvery = (step, api) =>
  inFolder(async (file, fs) => {
    for (const checkpointAfter of [undefined, COMMITS / 2]) {
      fs.rmSync(file, { force: true });
      const cids = await written(api, file, checkpointAfter);
      const sound = fs.readFileSync(file);
      let noticed = 0;
      for (let at = 0; at < sound.length; at += step) {
        const damaged = sound.slice();
        damaged[at] ^= 0x55;
        fs.writeFileSync(file, damaged);
        const found = await read(api, file);
        // Not every byte of a page stands for something.
        if (typeof found === "string") noticed++;
        else equal(found, cids, `byte ${at}`);
      }
      ok(noticed > sound.length / step / 2, `only ${noticed} of ${sound.length / step} were noticed`);
    }
  });

const CASES = {
  "no room is ERR_QUOTA, the store still reads, and goes on when there is some": (api) =>
    inFolder(async (file) => {
      const { store, limit } = await limited(api, file, 40);
      const large = (i) => node(i, { content: `${i} `.repeat(2000) });
      const cids = [];
      const error = await rejects(
        (async () => {
          for (let i = 0; i < 1000; i++) cids.push(await store.insert(large(i)));
        })(),
        "ERR_QUOTA",
      );
      ok(cids.length > 3 && error.cause !== undefined, `${cids.length} commits`);
      const hash = await store.stateHash();
      equal((await store.list().toArray()).map(({ cid }) => cid), cids);
      await rejects(store.insert(large(cids.length)), "ERR_QUOTA");
      await rejects(store.checkpoint(), "ERR_QUOTA");
      equal(await store.stateHash(), hash);
      limit(4000);
      cids.push(await store.insert(large(cids.length)));
      ok(await store.checkpoint());
      await store.close();
      equal(await read(api, file), cids);
    }),

  "whichever byte is damaged, nothing but what was written is read, and nothing is missing": (api) => damageEvery(STEP, api),

  "wherever the file ends, what is missing is told": (api) =>
    inFolder(async (file, fs) => {
      const cids = await written(api, file);
      const sound = fs.readFileSync(file);
      // To SQLite, a file of one byte or none is a new one.
      for (let length = 2; length < sound.length; length += 8 * STEP) {
        fs.writeFileSync(file, sound.subarray(0, length));
        const found = await read(api, file);
        // The last page may end in bytes that stand for nothing.
        if (typeof found !== "string") equal(found, cids, `${length} of ${sound.length} bytes`);
        else equal(found, "ERR_CORRUPT");
      }
      fs.writeFileSync(file, sound);
      equal(await read(api, file), cids);
    }),

  "what stands before the damage is saved": (api) =>
    inFolder(async (file) => {
      const cids = await written(api, file);
      const { DatabaseSync, Database } = await sqliteModule();
      const database = new (DatabaseSync ?? Database)(file);
      database.exec("UPDATE dag_store_segments SET parts = NULL WHERE id = (SELECT max(id) FROM dag_store_segments) - 2048");
      database.close();
      equal(await read(api, file), "ERR_CORRUPT");
      const { DagStore, SqliteJournal } = api;
      const { store, damage } = await DagStore.recover({ journal: new SqliteJournal(file) });
      equal(damage.code, "ERR_CORRUPT");
      equal((await store.list().toArray()).map(({ cid }) => cid), cids.slice(0, -2 * EACH));
      await store.close();
    }),
};

export const sqlite = Object.entries(CASES).map(([name, run]) => ({ name: `sqlite: ${name}`, longest: 240_000, run }));
