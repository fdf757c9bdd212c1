/**
 * A Durable Object that writes nodes, by way of a journal and as rows of its own: a request names the way, what to do, and
 * how often. Time stands still within a request, so who asks has the clock.
 */
import { DagStore } from "dag-store";
import { DurableObjectJournal } from "dag-store/durable-object";
import { blockOf } from "./by-hand.mjs";
import { nodes, root } from "./nodes.mjs";

export class Bench {
  #storage;
  #store;
  #made = 1;

  constructor({ storage }) {
    this.#storage = storage;
    storage.sql.exec("CREATE TABLE IF NOT EXISTS blocks (cid TEXT PRIMARY KEY, block BLOB)");
  }

  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const [, way, what] = pathname.split("/");
    this.#store ??= await DagStore.open({ journal: new DurableObjectJournal(this.#storage) });
    this.parent ??= await this.#store.insert(root);
    const times = Number(searchParams.get("times"));
    for (let i = 0; i < times; i++) await this[way](what);
    return Response.json({ made: this.#made, bytes: this.#storage.sql.databaseSize });
  }

  #next(count) {
    return nodes((this.#made += count) - count, count, this.parent);
  }

  async journal(what) {
    if (what === "one") await this.#store.insert(this.#next(1)[0]);
    else await this.#store.insertMany(this.#next(1000));
  }

  async rows(what) {
    const blocks = [];
    for (const node of this.#next(what === "one" ? 1 : 1000)) blocks.push(await blockOf(node));
    this.#storage.transactionSync(() => {
      for (const { cid, bytes } of blocks) this.#storage.sql.exec("INSERT INTO blocks VALUES (?, ?)", cid.toString(), bytes);
    });
    await this.#storage.sync();
  }

  /** What a request costs that does nothing. */
  async nothing() {}
}

export default {
  fetch: (request, { BENCH }) => BENCH.get(BENCH.idFromName("bench")).fetch(request),
};
