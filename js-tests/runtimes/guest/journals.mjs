/** The cases of journals, over each that a server has. */
import * as dagStore from "dag-store";
import { SqliteJournal } from "dag-store/sqlite";
import * as testing from "dag-store/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { journalSuite } from "../../suite/journals.mjs";
import { printSuite } from "./print.mjs";

function makeMedium() {
  const folder = mkdtempSync(path.join(tmpdir(), "dag-store-journal-"));
  return {
    open: () => new SqliteJournal(path.join(folder, "journal.sqlite")),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

await printSuite(dagStore, journalSuite(testing, makeMedium));
