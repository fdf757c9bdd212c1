/** The cases of journals, over the one in a file. */
import * as dagStore from "dag-store";
import { FileJournal } from "dag-store/file";
import * as testing from "dag-store/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { journalSuite } from "../../suite/journals.mjs";
import { printSuite } from "./print.mjs";

function makeMedium() {
  const folder = mkdtempSync(path.join(tmpdir(), "dag-store-journal-"));
  let journal;
  return {
    async open() {
      // One whose closing was made to fail goes as with its process: nobody else could have the file.
      await journal?.close();
      journal = new FileJournal(path.join(folder, "history.dag"));
      return journal;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

await printSuite(dagStore, journalSuite(testing, makeMedium, { reopenEvery: process.env.DAG_STORE_FULL ? 1 : 10 }));
