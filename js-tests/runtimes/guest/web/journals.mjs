/** The cases of journals, over IndexedDB. */
import * as dagStore from "../../../../node_modules/dag-store/dist/browser.js";
import { IndexedDBJournal } from "../../../../node_modules/dag-store/dist/indexeddb.js";
import * as testing from "../../../../node_modules/dag-store/dist/testing.js";
import { indexeddb } from "../../../suite/indexeddb.mjs";
import { journalSuite } from "../../../suite/journals.mjs";
import { postSuite } from "./post.mjs";

let made = 0;

function makeMedium() {
  const name = `journal ${made++}`;
  return { open: () => new IndexedDBJournal(name), remove: () => IndexedDBJournal.delete(name) };
}

postSuite({ ...dagStore, IndexedDBJournal }, "/outcomes", [...journalSuite(testing, makeMedium), ...indexeddb]);
