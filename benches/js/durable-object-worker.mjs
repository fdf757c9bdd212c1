/**
 * A Durable Object that writes nodes, through a journal and as rows of its own. A request names the way and how many
 * nodes. Time stands still within a request, so whoever asks has the clock.
 */
import { DagStore } from "dag-store";
import { DurableObjectJournal } from "dag-store/durable-object";
import { fields } from "./fields.mjs";
import { ByHand } from "./reference.mjs";

export class Bench {
  #storage;
  #byHand = new ByHand();
  #store;
  #made = 0;

  constructor({ storage }) {
    this.#storage = storage;
    storage.sql.exec("CREATE TABLE IF NOT EXISTS blocks (cid TEXT PRIMARY KEY, block BLOB)");
  }

  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    this.#store ??= await DagStore.open({ journal: new DurableObjectJournal(this.#storage) });
    const count = Number(searchParams.get("count"));
    for (let i = 0; i < Number(searchParams.get("times")); i++) await this[pathname.slice(1)](count);
    return Response.json({ nodes: await this.#store.size() });
  }

  #next(count) {
    return Array.from({ length: count }, () => ({ ...fields(++this.#made), parents: [] }));
  }

  async journal(count) {
    if (count === 1) await this.#store.insert(this.#next(1)[0]);
    else await this.#store.insertMany(this.#next(count));
  }

  /** A row for each block, all in one transaction, confirmed before it goes on. */
  async rows(count) {
    const blocks = this.#next(count).map((node) => this.#byHand.make(node));
    this.#storage.transactionSync(() => {
      for (const { id, block } of blocks) this.#storage.sql.exec("INSERT INTO blocks VALUES (?, ?)", id, block);
    });
    await this.#storage.sync();
  }

  /** What a request costs that does nothing. */
  async nothing() {}
}

export default {
  fetch: (request, { BENCH }) => BENCH.get(BENCH.idFromName("bench")).fetch(request),
};
