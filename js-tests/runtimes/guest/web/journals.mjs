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

const reopenEvery = new URLSearchParams(location.search).has("full") ? 1 : 10;
const cases = [...journalSuite(testing, makeMedium, { reopenEvery }), ...indexeddb];
postSuite({ ...dagStore, IndexedDBJournal }, "/outcomes", cases);
