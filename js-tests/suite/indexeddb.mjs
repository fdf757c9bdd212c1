/** What goes wrong in browsers, and what the journal in IndexedDB makes of it. For a window, beside the suite of journals. */
import { NotHere, equal, node, ok, rejects } from "./expect.mjs";

let made = 0;

/** A store in a database of its own, and ways to interfere. */
async function opened({ DagStore, IndexedDBJournal }, options) {
  const name = `trouble ${made++}`;
  const open = () => DagStore.open({ journal: new IndexedDBJournal(name, options) });
  return { name, open, store: await open() };
}

/** Deletes a database as the browser does when it wants the room. */
const evict = (name) =>
  new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });

/** Gives a prototype another method for as long as the task runs. */
async function instead(prototype, name, make, task) {
  const property = Object.getOwnPropertyDescriptor(prototype, name);
  Object.defineProperty(prototype, name, make(property));
  try {
    return await task();
  } finally {
    Object.defineProperty(prototype, name, property);
  }
}

/** Gives a prototype's method something that is done first. */
const before = (prototype, name, first, task) =>
  instead(prototype, name, ({ value, ...rest }) => ({
    ...rest,
    value(...args) {
      first(this, ...args);
      return value.apply(this, args);
    },
  }), task);

const CASES = {
  async "what was evicted is not an empty journal"(api) {
    const { name, open, store } = await opened(api);
    await store.insert(node(0));
    await store.close();
    await evict(name);
    for (let i = 0; i < 2; i++) await rejects(open(), "ERR_EVICTED");
    await api.IndexedDBJournal.delete(name);
    const anew = await open();
    equal(await anew.size(), 0);
    await anew.close();
  },

  async "an empty one that was evicted is missed by nobody"(api) {
    const { name, open, store } = await opened(api);
    await store.close();
    await evict(name);
    const again = await open();
    equal(again.opened.sequence, 0);
    await again.close();
  },

  async "eviction of one that is open is told by the next commit"(api) {
    const { name, store } = await opened(api);
    const id = await store.insert(node(0));
    await evict(name);
    await rejects(store.insert(node(1)), "ERR_EVICTED");
    equal((await store.get(id)).cid, id);
    await store.close();
    await api.IndexedDBJournal.delete(name);
  },

  async "a connection that the browser has dropped is opened again"(api) {
    const { open, store } = await opened(api);
    await store.insert(node(0));
    let times = 0;
    const drop = (database) => {
      if (times++ > 0) return;
      database.close();
      database.dispatchEvent(new Event("close"));
    };
    await before(IDBDatabase.prototype, "transaction", drop, () => store.insert(node(1)));
    ok(times > 1);
    await store.insert(node(2));
    await store.close();
    const again = await open();
    equal([again.opened.commits, await again.size()], [3, 3]);
    await again.close();
  },

  async "a commit under way when the connection goes is of unknown outcome"(api) {
    const { open, store } = await opened(api);
    const first = await store.insert(node(0));
    const id = "ab".repeat(16);
    let dropped = 0;
    const drop = (table, value, key) => {
      if (key !== "tip") return;
      const { db } = table.transaction;
      // When the last request has succeeded, and before the transaction is complete.
      table.get("tip").onsuccess = () => {
        dropped++;
        db.dispatchEvent(new Event("close"));
      };
    };
    const committing = before(IDBObjectStore.prototype, "put", drop, () => store.insertMany([node(1)], { id }));
    await rejects(committing, "ERR_OUTCOME_UNKNOWN");
    equal(dropped, 1);
    await rejects(store.get(first), "ERR_NEEDS_REOPEN");
    await store.close();
    const again = await open();
    equal(await again.size(), (await again.hasCommit(id)) ? 2 : 1);
    await again.verify();
    await again.close();
  },

  async "no room is ERR_QUOTA, the store still reads, and goes on when there is some"(api) {
    const { open, store } = await opened(api);
    const id = await store.insert(node(0));
    const full = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    const error = await rejects(before(IDBObjectStore.prototype, "put", full, () => store.insert(node(1))), "ERR_QUOTA");
    ok(error.cause !== undefined);
    equal([(await store.get(id)).cid, await store.size()], [id, 1]);
    await store.insert(node(2));
    await store.close();
    const again = await open();
    equal((await again.list().toArray()).map(({ content }) => content), ["node 0", "node 2"]);
    await again.close();
  },

  async "a browser without strict durability is refused, unless less will do"(api) {
    const lax = () => ({ get: () => "default", configurable: true });
    await instead(IDBTransaction.prototype, "durability", lax, async () => {
      await rejects(opened(api), "ERR_STORAGE");
      const { store } = await opened(api, { durability: "relaxed" });
      equal((await store.status()).promises.durability, "relaxed");
      await store.close();
    });
  },

  async "transactions are strict, unless told otherwise"(api) {
    for (const durability of ["strict", "relaxed"]) {
      const seen = new Set();
      const look = (_, __, mode, options) => mode === "readwrite" && seen.add(options.durability);
      await before(IDBDatabase.prototype, "transaction", look, async () => {
        const { store } = await opened(api, { durability });
        await store.insert(node(0));
        await store.close();
      });
      equal([...seen], [durability]);
    }
  },

  async "it tells how much room there is"(api) {
    const { store } = await opened(api);
    const { medium } = await store.status();
    await store.close();
    if (!navigator.storage?.estimate) throw new NotHere("the browser does not tell of its storage");
    ok(medium.bytesQuota > 0 && medium.bytesUsed >= 0 && typeof medium.persisted === "boolean", JSON.stringify(medium));
  },
};

export const indexeddb = Object.entries(CASES).map(([name, run]) => ({ name: `indexeddb: ${name}`, run }));
