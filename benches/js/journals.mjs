/**
 * The journals of Node, beside what people keep blocks in there. All wait until the disk has what was written, except
 * `blockstore-fs`, which has no way to ask for that.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ClassicLevel } from "classic-level";
import { FsBlockstore } from "blockstore-fs";
import { DagStore } from "dag-store";
import { FileJournal } from "dag-store/file";
import { SqliteJournal } from "dag-store/sqlite";
import { inTurns, many, perSecond, report, same, scaled, wants } from "./measure.mjs";
import { fields } from "./fields.mjs";
import { chain } from "./nodes.mjs";
import { ByHand } from "./reference.mjs";

const ROUNDS = many(40, 4);
const ALONE = many(5, 2);
const TOGETHER = 64;
const BATCH = many(1_000, 50);
const OPENED = many(100_000, 500);
const TO_OPEN = many(5, 2);

const scratch = mkdtempSync(path.join(process.env.DAG_STORE_BENCH_DISK ?? tmpdir(), "dag-store-bench-"));
const byHand = new ByHand();
let made = 0;
let files = 0;

/** Journals by name, each with what makes another over the same medium. */
const JOURNALS = {
  file: (file) => new FileJournal(file),
  sqlite: (file) => new SqliteJournal(file),
};

/** A node that is like no other. */
const fresh = () => ({ ...fields(++made), parents: [] });
const freshOnes = (count) => Array.from({ length: count }, fresh);
const newFile = (name) => path.join(scratch, `${files++}-${name}`);
const openStore = (journal) => DagStore.open({ journal });

/** What every journal has to do: the same bytes at the end of a file, and a wait until the disk has them. */
class Plain {
  #file;
  async open() {
    this.#file = await open(newFile("plain"), "a");
    return this;
  }
  async put(blocks) {
    await this.#file.writev(blocks);
    await this.#file.datasync();
  }
  close() {
    return this.#file.close();
  }
}

/** Blocks by their CIDs in LevelDB, each batch synced. */
class Level {
  #database = new ClassicLevel(newFile("level"), { keyEncoding: "buffer", valueEncoding: "buffer" });
  async open() {
    await this.#database.open();
    return this;
  }
  put(blocks) {
    const puts = blocks.map(({ cid, block }) => ({ type: "put", key: cid.bytes, value: block }));
    return this.#database.batch(puts, { sync: true });
  }
  close() {
    return this.#database.close();
  }
}

/** A file for each block. */
class Files {
  #store = new FsBlockstore(newFile("files"));
  async open() {
    await this.#store.open();
    return this;
  }
  async put(blocks) {
    for await (const _ of this.#store.putMany(blocks.map(({ cid, block }) => ({ cid, bytes: block }))));
  }
  close() {
    return this.#store.close();
  }
}

const making = (nodes) => nodes.map((node) => byHand.make(node));

for (const [name, journal] of Object.entries(JOURNALS)) {
  const rows = { alone: `${name}-alone`, together: `${name}-together`, batch: `${name}-batch` };
  if (!Object.values(rows).some(wants)) continue;
  const store = await openStore(journal(newFile(name)));
  const [plain, level, folder] = await Promise.all([new Plain(), new Level(), new Files()].map((it) => it.open()));
  const peer = (target, count) => () => target.put(making(freshOnes(count)));
  const appended = (count) => () => plain.put(making(freshOnes(count)).map(({ block }) => block));
  const oneByOne = (put) => async (round) => {
    for (let i = 0; i < ALONE; i++) await put(round);
  };

  if (wants(rows.alone)) {
    const sides = { "dag-store": () => store.insert(fresh()), fdatasync: appended(1), "classic-level": peer(level, 1), "blockstore-fs": peer(folder, 1) };
    const turns = Object.fromEntries(Object.entries(sides).map(([side, put]) => [side, oneByOne(put)]));
    report(rows.alone, perSecond(await inTurns(ROUNDS, ALONE, turns)), ROUNDS);
  }
  if (wants(rows.together)) {
    const figures = await inTurns(ROUNDS, TOGETHER, {
      "dag-store": () => Promise.all(freshOnes(TOGETHER).map((node) => store.insert(node))),
      "one by one": async () => {
        for (const node of freshOnes(TOGETHER)) await store.insert(node);
      },
      "classic-level": () => Promise.all(freshOnes(TOGETHER).map((node) => level.put([byHand.make(node)]))),
      "blockstore-fs": peer(folder, TOGETHER),
    });
    report(rows.together, perSecond(figures), ROUNDS);
  }
  if (wants(rows.batch)) {
    const figures = await inTurns(ROUNDS, BATCH, {
      "dag-store": () => store.insertMany(freshOnes(BATCH)),
      fdatasync: appended(BATCH),
      "classic-level": peer(level, BATCH),
      "blockstore-fs": peer(folder, BATCH),
    });
    report(rows.batch, perSecond(figures), ROUNDS);
  }
  await Promise.all([store, plain, level, folder].map((it) => it.close()));
}

for (const [name, journal] of Object.entries(JOURNALS)) {
  const rows = { open: `${name}-open`, checkpoint: `${name}-open-checkpoint`, bytes: `${name}-bytes` };
  if (!Object.values(rows).some(wants)) continue;
  const file = newFile(name);
  const nodes = chain(OPENED);
  const store = await openStore(journal(file));
  for (let i = 0; i < OPENED; i += BATCH) await store.insertMany(nodes.slice(i, i + BATCH).map(({ ours }) => ours));
  const hash = await store.stateHash();
  await store.close();
  if (wants(rows.bytes)) {
    const block = nodes.reduce((sum, node) => sum + node.block.length, 0) / OPENED;
    const [level, folder] = await Promise.all([new Level(), new Files()].map((it) => it.open()));
    // Files are many, and each is like the others.
    const some = nodes.slice(0, many(5_000, 100));
    for (let i = 0; i < OPENED; i += BATCH) await level.put(nodes.slice(i, i + BATCH));
    await folder.put(some);
    await level.close();
    const paths = readdirSync(scratch);
    const used = (end, count) => allocated(path.join(scratch, paths.findLast((it) => it.endsWith(end)))) / count;
    const ours = allocated(file) / OPENED;
    report(rows.bytes, { "dag-store": ours, "blocks alone": block, "classic-level": used("-level", OPENED), "blockstore-fs": used("-files", some.length) }, 1);
  }
  const opening = async () => {
    const opened = await openStore(journal(file));
    same(await opened.stateHash(), hash, "the state hash");
    await opened.close();
  };
  const byHandOpened = () => {
    const again = new ByHand();
    for (const { cid, block } of nodes) again.check(cid, block);
  };
  const figures = async () => scaled(await inTurns(TO_OPEN, 1, { "dag-store": opening, "hashing by hand": byHandOpened }), 1e-6 * (100_000 / OPENED));
  if (wants(rows.open)) report(rows.open, await figures(), TO_OPEN);
  if (wants(rows.checkpoint)) {
    const again = await openStore(journal(file));
    await again.checkpoint();
    await again.close();
    report(rows.checkpoint, await figures(), TO_OPEN);
  }
}

/** Bytes that the file system has given to a file, or to a folder with all below it. */
function allocated(name) {
  const status = statSync(name);
  if (!status.isDirectory()) return status.blocks * 512;
  return readdirSync(name).reduce((sum, entry) => sum + allocated(path.join(name, entry)), 0);
}

rmSync(scratch, { recursive: true });
