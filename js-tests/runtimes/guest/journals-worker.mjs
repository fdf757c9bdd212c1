/** A Durable Object that runs the cases of journals over its own storage. */
import * as dagStore from "dag-store";
import { DurableObjectJournal } from "dag-store/durable-object";
import * as testing from "dag-store/testing";
import { journalSuite } from "../../suite/journals.mjs";
import { runSuite } from "../../suite/run.mjs";
import { streamed } from "./streamed.mjs";

export class Journals {
  #storage;

  constructor({ storage }) {
    this.#storage = storage;
  }

  fetch({ url }) {
    const storage = this.#storage;
    let made = 0;
    const makeMedium = () => {
      const name = `journal_${made++}`;
      const remove = () => {
        for (const table of ["segments", "checkpoints", "chunks"]) storage.sql.exec(`DROP TABLE IF EXISTS ${name}_${table}`);
      };
      return { open: () => new DurableObjectJournal(storage, { name }), remove };
    };
    const reopenEvery = new URL(url).searchParams.has("full") ? 1 : 10;
    return streamed((report) => runSuite(dagStore, report, { cases: journalSuite(testing, makeMedium, { reopenEvery }) }));
  }
}

export default {
  fetch: (request, { JOURNALS }) => JOURNALS.get(JOURNALS.idFromName("journals")).fetch(request),
};
