/** A Durable Object that tells what is in its journal, and then writes to it for ever; a line for each acknowledged commit. */
import { DagStore } from "dag-store";
import { DurableObjectJournal } from "dag-store/durable-object";
import { streamed } from "./streamed.mjs";

export class Journals {
  #storage;

  constructor({ storage }) {
    this.#storage = storage;
  }

  fetch() {
    return streamed((report) => this.#write(report).catch((error) => report({ error: String(error?.stack ?? error) })));
  }

  async #write(report) {
    const store = await DagStore.open({ journal: new DurableObjectJournal(this.#storage) });
    await store.verify();
    const cids = (await store.list().toArray()).map(({ cid }) => cid);
    await report({ sequence: store.opened.sequence, cids });
    for (let i = cids.length; ; i++) {
      const { sequence, inserted } = await store.insertMany([{ content: i, eventType: "receipt", scopeId: "killed", timestamp: i }]);
      await report({ acknowledged: [sequence, inserted[0]] });
    }
  }
}

export default {
  fetch: (request, { JOURNALS }) => JOURNALS.get(JOURNALS.idFromName("journals")).fetch(request),
};
