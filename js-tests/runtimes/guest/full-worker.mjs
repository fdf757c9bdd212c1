/** A Durable Object that fills its journal and reports that as it goes on; asked for `/again`, it reports what is there. */
import { DagStore } from "dag-store";
import { DurableObjectJournal } from "dag-store/durable-object";
import { fill, look } from "./fill.mjs";
import { streamed } from "./streamed.mjs";

export class Journals {
  #storage;

  constructor({ storage }) {
    this.#storage = storage;
  }

  fetch({ url }) {
    const open = () => DagStore.open({ journal: new DurableObjectJournal(this.#storage) });
    const work = new URL(url).pathname === "/again" ? look : fill;
    return streamed((report) => work(open, report));
  }
}

export default {
  fetch: (request, { JOURNALS }) => JOURNALS.get(JOURNALS.idFromName("journals")).fetch(request),
};
