/** The cases of journals, over each that a server has. */
import * as dagStore from "dag-store";
import { SqliteJournal } from "dag-store/sqlite";
import * as testing from "dag-store/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { journalSuite } from "../../suite/journals.mjs";
import { sqlite } from "../../suite/sqlite.mjs";
import { printSuite } from "./print.mjs";

function makeMedium() {
  const folder = mkdtempSync(path.join(tmpdir(), "dag-store-journal-"));
  return {
    open: () => new SqliteJournal(path.join(folder, "journal.sqlite")),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

await printSuite({ ...dagStore, SqliteJournal }, [...journalSuite(testing, makeMedium, { reopenEvery: process.env.DAG_STORE_FULL ? 1 : 10 }), ...sqlite]);
