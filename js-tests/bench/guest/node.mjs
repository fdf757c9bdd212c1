/** Journals on a disk, and what people use there: `node node.mjs FOLDER`. Prints rows as JSON. */
import { FileJournal } from "dag-store/file";
import { SqliteJournal } from "dag-store/sqlite";
import { FsBlockstore } from "blockstore-fs";
import { ClassicLevel } from "classic-level";
import { open, stat } from "node:fs/promises";
import path from "node:path";
import { blockOf, blockstoreSubject } from "./by-hand.mjs";
import { journalSubject, measure } from "./measure.mjs";

const [folder, rounds] = process.argv.slice(2);
const at = (name) => path.join(folder, name);

const subjects = [
  journalSubject("dag-store/file", "synced", () => new FileJournal(at("journal.dag"))),
  journalSubject("dag-store/sqlite", "synced", () => new SqliteJournal(at("journal.sqlite"))),
  {
    name: "append and fdatasync, by hand",
    note: "synced; no index, nothing checked",
    async open() {
      const file = await open(at("plain"), "a");
      const append = async (nodes) => {
        const blocks = [];
        for (const node of nodes) blocks.push((await blockOf(node)).bytes);
        await file.appendFile(Buffer.concat(blocks));
        await file.datasync();
      };
      return {
        one: (node) => append([node]),
        // One after the other: nobody gathers them.
        together: async (nodes) => {
          for (const node of nodes) await append([node]);
        },
        batch: append,
        close: () => file.close(),
        bytes: async () => (await stat(at("plain"))).size,
      };
    },
  },
  {
    name: "classic-level",
    note: "synced; CID to block only",
    async open() {
      const level = new ClassicLevel(at("level"), { valueEncoding: "view" });
      await level.open();
      const put = async (nodes) => {
        const puts = [];
        for (const node of nodes) {
          const { cid, bytes } = await blockOf(node);
          puts.push({ type: "put", key: cid.toString(), value: bytes });
        }
        await level.batch(puts, { sync: true });
      };
      return { one: (node) => put([node]), together: (nodes) => Promise.all(nodes.map((node) => put([node]))), batch: put, close: () => level.close() };
    },
  },
  blockstoreSubject("blockstore-fs", "NOT synced; a file a block", async () => {
    const store = new FsBlockstore(at("blocks"));
    await store.open();
    return store;
  }),
];

const rows = await measure(subjects, { rounds: Number(rounds), say: (text) => console.error(text) });
console.log(JSON.stringify(rows));
