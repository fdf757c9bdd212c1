/** What a store's operations mean. */
import { equal, node, ok, rejects, shuffled } from "./expect.mjs";

/** The node that every implementation begins with, and its CID as another one computed it. */
const FIRST = { content: "node content", eventType: "proposal", scopeId: "test-scope", timestamp: 0 };
const FIRST_CID = "bafyreidc26nkbvmrwn4cr3gutpngttthefrkwboy3jrh47tvp46wmri5wm";

/** A chain of nodes, each the child of the one before; gives their CIDs. */
export async function chain(target, length, rest = {}) {
  const cids = [];
  for (let i = 0; i < length; i++) cids.push(await target.insert(node(i, { parents: cids.slice(-1), ...rest })));
  return cids;
}

export const store = [
  [
    "insert gives the CID that the bytes have",
    async ({ DagStore }) => {
      const store = new DagStore();
      equal(await store.insert(FIRST), FIRST_CID);
      equal(await store.get(FIRST_CID), { cid: FIRST_CID, ...FIRST, parents: [] });
    },
  ],
  [
    "a node comes back as it went in, all its fields",
    async ({ DagStore }) => {
      const store = new DagStore();
      const [a, b] = [await store.insert(node(1)), await store.insert(node(2))];
      const full = {
        content: { x: [1] },
        eventType: "my own type, é",
        scopeId: "scope é",
        timestamp: 2 ** 53 - 1,
        parents: [b, a],
        nonce: new Uint8Array(64).fill(7),
      };
      const cid = await store.insert(full);
      equal(await store.get(cid), { cid, ...full });
    },
  ],
  [
    "optional fields may be undefined",
    async ({ DagStore }) => {
      const store = new DagStore();
      const before = Date.now();
      const id = await store.insert({ ...FIRST, timestamp: undefined, parents: undefined, nonce: undefined, cid: undefined });
      const { timestamp, parents, nonce } = await store.get(id);
      ok(timestamp >= before && timestamp <= Date.now());
      equal([parents, nonce], [[], undefined]);
    },
  ],
  [
    "a nonce tells identical events apart",
    async ({ DagStore }) => {
      const store = new DagStore();
      const nonces = [undefined, Uint8Array.of(1), Uint8Array.of(2)];
      const ids = await Promise.all(nonces.map((nonce) => store.insert({ ...FIRST, nonce })));
      equal(new Set(ids).size, 3);
      equal(await store.size(), 3);
    },
  ],
  [
    "the longest fields, and one more",
    async ({ DagStore }) => {
      const store = new DagStore();
      const longest = node(1, { eventType: "€".repeat(85), scopeId: "s".repeat(255), nonce: new Uint8Array(64) });
      equal((await store.get(await store.insert(longest))).eventType.length, 85);
      await rejects(store.insert({ ...longest, scopeId: "s".repeat(256) }), "ERR_INVALID_NODE");
    },
  ],
  [
    "inserting again changes nothing",
    async ({ DagStore }) => {
      const store = new DagStore();
      const [a, b] = await chain(store, 2);
      const hash = await store.stateHash();
      equal(await store.insert(node(0)), a);
      const commit = await store.insertMany([node(0), node(1, { parents: [a] })]);
      equal([commit.inserted, commit.removed, commit.sequence], [[], [], 2]);
      equal([await store.size(), await store.heads(), await store.stateHash()], [2, [b], hash]);
    },
  ],
  [
    "what get gives can be inserted, and must be what its cid says",
    async ({ DagStore }) => {
      const store = new DagStore();
      const [a] = await chain(store, 2);
      const other = new DagStore();
      for await (const read of store.list()) equal(await other.insert(read), read.cid);
      equal(await other.stateHash(), await store.stateHash());
      const read = await store.get(a);
      const error = await rejects(other.insert({ ...read, content: "forged" }), "ERR_INVALID_CID");
      equal(error.cid, a);
      await rejects(other.insertMany([node(9), { ...read, content: "forged" }]), "ERR_INVALID_CID");
      equal(await other.size(), 2);
    },
  ],
  [
    "a missing parent is named, and its child",
    async ({ DagStore }) => {
      const store = new DagStore();
      const error = await rejects(store.insert(node(1, { parents: [FIRST_CID] })), "ERR_MISSING_PARENT");
      equal(error.parent, FIRST_CID);
      ok(/^bafyrei[a-z2-7]{52}$/.test(error.cid));
      equal(await store.size(), 0);
      await store.insert(FIRST);
      equal(await store.insert(node(1, { parents: [FIRST_CID] })), error.cid);
    },
  ],
  [
    "a node with children stays",
    async ({ DagStore }) => {
      const store = new DagStore();
      const [a, b] = await chain(store, 2);
      equal((await rejects(store.remove(a), "ERR_HAS_CHILDREN")).cid, a);
      equal([await store.remove(b), await store.remove(b), await store.remove(a), await store.remove(FIRST_CID)],
        [true, false, true, false]);
      equal([await store.size(), await store.heads()], [0, []]);
    },
  ],
  [
    "reads of what is not there",
    async ({ DagStore }) => {
      const store = new DagStore();
      const id = await store.insert(node(1));
      equal(await store.get(FIRST_CID), undefined);
      equal(await store.getBlock(FIRST_CID), undefined);
      equal(await store.has(FIRST_CID), false);
      equal((await store.getMany([FIRST_CID, id, FIRST_CID, id])).map((read) => read?.cid), [undefined, id, undefined, id]);
      equal(await store.getMany([]), []);
    },
  ],
  [
    "blocks go out and in as bytes",
    async ({ DagStore }) => {
      const [store, other] = [new DagStore(), new DagStore()];
      const ids = await chain(store, 3);
      for (const id of ids) equal(await other.insertBlock(await store.getBlock(id)), id);
      equal(await other.stateHash(), await store.stateHash());
      equal(await new DagStore().insertBlock((await store.getBlock(ids[0])).buffer), ids[0]);
      await rejects(new DagStore().insertBlock(await store.getBlock(ids[1])), "ERR_MISSING_PARENT");
    },
  ],
  [
    "a block that is changed by a byte is another node, or none",
    async ({ DagStore }) => {
      const store = new DagStore();
      const block = await store.getBlock(await store.insert(FIRST));
      const known = new Set([FIRST_CID]);
      for (let i = 0; i < block.length; i++) {
        const changed = block.slice();
        changed[i] ^= 0x80;
        try {
          known.add(await store.insertBlock(changed));
        } catch (error) {
          ok(["ERR_INVALID_NODE", "ERR_MISSING_PARENT", "ERR_LIMIT"].includes(error.code), error.code);
        }
        await rejects(store.insertBlock(block.subarray(0, i)), "ERR_INVALID_NODE");
      }
      equal(await store.size(), known.size);
      await store.verify();
    },
  ],
  [
    "insertMany is one commit, parents in any order",
    async ({ DagStore }) => {
      const source = new DagStore();
      const ids = await chain(source, 50);
      const nodes = await source.getMany(ids);
      const store = new DagStore();
      const commit = await store.insertMany(shuffled(50).map((i) => nodes[i]), { stateHash: true });
      equal([commit.sequence, commit.inserted, commit.removed], [1, ids, []]);
      ok(/^[0-9a-f]{32}$/.test(commit.id));
      equal(commit.stateHash, await source.stateHash());
      equal("stateHash" in (await store.insertMany([node(99)])), false);
    },
  ],
  [
    "insertMany takes any iterable, and all of it or nothing",
    async ({ DagStore }) => {
      const store = new DagStore();
      const generate = function* (n, end) {
        for (let i = 0; i < n; i++) yield node(i);
        end?.();
      };
      await rejects(store.insertMany(generate(5, () => { throw new Error("an iterator"); })), "ERR_INVALID_ARGUMENT");
      equal((await store.insertMany(new Set(generate(3)))).inserted.length, 3);
      const error = await rejects(
        store.insertMany(generate(9, () => { throw new Error("an iterator"); })), "ERR_INVALID_ARGUMENT");
      equal(error.cause.message, "an iterator");
      await rejects(store.insertMany([node(10), node(11, { parents: [FIRST_CID] })]), "ERR_MISSING_PARENT");
      for (const odd of [undefined, null, 5, "nodes", {}, Promise.resolve([])]) {
        await rejects(store.insertMany(odd), "ERR_INVALID_ARGUMENT");
        await rejects(store.getMany(odd), "ERR_INVALID_ARGUMENT");
      }
      equal(await store.size(), 3);
      equal((await store.insertMany([])).inserted, []);
    },
  ],
  [
    "insertMany of more than crosses at once",
    async ({ DagStore }) => {
      const nodes = Array.from({ length: 40 }, (_, i) => node(i, { content: `${i}`.padEnd(100_000, "x") }));
      for (const store of [new DagStore(), new DagStore()]) {
        // The first time around the wasm is not loaded yet; the nodes wait.
        const ids = (await store.insertMany(nodes)).inserted;
        equal(ids.length, 40);
        equal((await store.getMany(ids)).map(({ content }) => content.length), nodes.map(() => 100_000));
        equal((await store.insertMany(nodes)).inserted, []);
        equal((await store.list().toArray()).map(({ cid }) => cid), ids);
      }
    },
  ],
  [
    "heads, of the store and of a scope",
    async ({ DagStore }) => {
      const store = new DagStore();
      const a = await store.insert(node(0, { scopeId: "a" }));
      const b = await store.insert(node(1, { scopeId: "b", parents: [a] }));
      const c = await store.insert(node(2, { scopeId: "a" }));
      const of = (scopeId) => store.heads({ scopeId });
      equal([await store.heads(), await of("a"), await of("b"), await of("c")], [[b, c], [a, c], [b], []]);
      const sizes = await Promise.all([undefined, "a", "b", "c"].map((scopeId) => store.size({ scopeId })));
      equal(sizes, [3, 2, 1, 0]);
    },
  ],
  [
    "the state hash is of the set, and of each scope",
    async ({ DagStore }) => {
      const nodes = Array.from({ length: 60 }, (_, i) => node(i, { scopeId: `scope ${i % 3}` }));
      const [one, other] = [new DagStore(), new DagStore()];
      const empty = await one.stateHash();
      for (const n of nodes) await one.insert(n);
      for (const i of shuffled(60, 7)) await other.insert(nodes[i]);
      for (const scopeId of [undefined, "scope 0", "scope 2", "none"]) {
        const hash = await one.stateHash({ scopeId });
        ok(/^[0-9a-f]{64}$/.test(hash));
        equal(await other.stateHash({ scopeId }), hash);
      }
      const hash = await one.stateHash();
      const extra = await one.insert(node(60));
      ok((await one.stateHash()) !== hash);
      await one.remove(extra);
      equal(await one.stateHash(), hash);
      for (const { cid } of await one.list({ reverse: true }).toArray()) await one.remove(cid);
      equal(await one.stateHash(), empty);
    },
  ],
  [
    "verify counts nodes and links",
    async ({ DagStore }) => {
      const store = new DagStore();
      await chain(store, 5);
      equal(await store.verify(), { nodes: 5, links: 4, stateHash: await store.stateHash() });
    },
  ],
  [
    "stores share nothing",
    async ({ DagStore }) => {
      const [a, b] = [new DagStore(), new DagStore()];
      await a.insert(FIRST);
      equal([await a.size(), await b.size()], [1, 0]);
      await a.close();
      equal(await b.size(), 0);
    },
  ],
  [
    "limits hold on both sides",
    async ({ DagStore }) => {
      const { length } = await new DagStore().insert(FIRST).then(async (id) => {
        const store = new DagStore();
        await store.insert(FIRST);
        return store.getBlock(id);
      });
      const limited = (limits) => new DagStore({ limits });
      equal(await limited({ blockBytes: length }).insert(FIRST), FIRST_CID);
      for (const warm of [false, true]) {
        const store = limited({ blockBytes: length - 1, parents: 1, contentDepth: 2, batchOperations: 3, batchBytes: 200 });
        if (warm) equal(await store.size(), 0);
        await rejects(store.insert(FIRST), "ERR_LIMIT");
        const small = (content, rest) => ({ content, eventType: "e", scopeId: "s", timestamp: 0, ...rest });
        const a = await store.insert(small(0));
        const b = await store.insert(small(1, { parents: [] }));
        await rejects(store.insert(small(2, { parents: [a, b] })), "ERR_LIMIT");
        await store.insert(small([[]]));
        await rejects(store.insert(small([[[]]])), "ERR_LIMIT");
        const many = (n) => Array.from({ length: n }, (_, i) => small(i + 10));
        equal((await store.insertMany(many(3))).inserted.length, 3);
        await rejects(store.insertMany(many(4)), "ERR_LIMIT");
        const batch = await store.beginBatch();
        await batch.insertMany(many(3));
        await rejects(batch.insert(small(99)), "ERR_LIMIT");
        await rejects(batch.remove(a), "ERR_LIMIT");
        equal((await batch.commit()).inserted, []);
      }
      const bytes = limited({ batchBytes: 2 * length });
      equal((await bytes.insertMany([FIRST, { ...FIRST, timestamp: 1 }])).inserted.length, 2);
      await rejects(bytes.insertMany([1, 2, 3].map((timestamp) => ({ ...FIRST, timestamp }))), "ERR_LIMIT");
    },
  ],
  [
    "an endless iterable ends at a limit",
    async ({ DagStore }) => {
      const store = new DagStore({ limits: { batchOperations: 100 } });
      const endless = function* () {
        for (;;) yield node(1);
      };
      const endlessIds = function* () {
        for (;;) yield FIRST_CID;
      };
      for (let round = 0; round < 2; round++) {
        await rejects(store.insertMany(endless()), "ERR_LIMIT");
        await rejects(store.getMany(endlessIds()), "ERR_LIMIT");
      }
    },
  ],
  [
    "options that make no sense",
    async ({ DagStore, DagStoreError }) => {
      const odd = [null, 5, "x", [], new Map(), { limit: 1 }, { limits: 5 }, { limits: { blockBytes: -1 } },
        { limits: { parents: 1.5 } }, { limits: { parents: "1" } }, { limits: { bytes: 1 } },
        { limits: Object.defineProperty({}, "parents", { get: () => 1 }) }, { [Symbol("s")]: 1 }];
      for (const options of odd) {
        let thrown;
        try {
          new DagStore(options);
        } catch (error) {
          thrown = error;
        }
        ok(thrown instanceof DagStoreError && thrown.code === "ERR_INVALID_ARGUMENT");
      }
      const store = new DagStore({ limits: undefined });
      for (const call of ["size", "heads", "stateHash"]) {
        for (const options of [null, 5, "scope", { scope: "s" }, { scopeId: 5 }, { scopeId: "\ud800" }]) {
          await rejects(store[call](options), "ERR_INVALID_ARGUMENT");
        }
      }
      const commits = [null, { id: 5 }, { id: "ab" }, { id: "x".repeat(32) }, { id: new Uint8Array(15) }, { stateHash: 1 },
        { conditions: {} }, { conditions: [null] }, { conditions: [{}] }, { conditions: [{ stateHash: "00" }] },
        { conditions: [{ stateHash: 5 }] }, { conditions: [{ absent: FIRST_CID, heads: [] }] },
        { conditions: [{ absent: FIRST_CID, scopeId: "s" }] }, { conditions: [{ heads: FIRST_CID }] }, { hash: true }];
      for (const options of commits) {
        await rejects(store.insertMany([node(1)], options), "ERR_INVALID_ARGUMENT");
        const batch = await store.beginBatch();
        await rejects(batch.commit(options), "ERR_INVALID_ARGUMENT");
        equal((await batch.commit()).inserted, [], "the batch is still open");
      }
      equal(await store.size(), 0);
    },
  ],
  [
    "a closed store",
    async ({ DagStore }) => {
      const used = new DagStore();
      const id = await used.insert(node(1));
      const last = used.insert(node(2));
      const list = used.list();
      const closing = used.close();
      await last;
      await closing;
      await used.close();
      const unused = new DagStore();
      await unused.close();
      const closedAtOnce = new DagStore();
      const first = closedAtOnce.insert(node(1));
      const closed = closedAtOnce.close();
      equal(await first, id);
      await closed;
      for (const store of [used, unused, closedAtOnce]) {
        const calls = [() => store.insert(node(1)), () => store.insertMany([]), () => store.get(id), () => store.getMany([]),
          () => store.has(id), () => store.getBlock(id), () => store.remove(id), () => store.size(), () => store.heads(),
          () => store.stateHash(), () => store.verify(), () => store.beginBatch(), () => store.list().toArray(),
          () => store.list().page(), () => store.insertBlock(new Uint8Array([0xa0]))];
        for (const call of calls) await rejects(call, "ERR_CLOSED");
      }
      await rejects(list.toArray(), "ERR_CLOSED");
    },
  ],
  [
    "an iterator that closes the store under its own call",
    async ({ DagStore }) => {
      const store = new DagStore();
      await store.size();
      const closing = [];
      const nodes = (function* () {
        yield node(1);
        closing.push(store.close());
        yield node(2);
      })();
      await rejects(store.insertMany(nodes), "ERR_CLOSED");
      await closing[0];
      const other = new DagStore();
      const batch = await other.beginBatch();
      const staged = (function* () {
        yield node(1);
        batch.free();
      })();
      await rejects(batch.insertMany(staged), "ERR_BATCH_CLOSED");
      equal(await other.size(), 0);
    },
  ],
  [
    "every method gives a Promise, whatever it is given",
    async ({ DagStore }) => {
      const store = new DagStore();
      const batch = await store.beginBatch();
      const calls = [
        ...["insert", "insertMany", "insertBlock", "remove", "get", "getMany", "getBlock", "has", "size", "heads", "stateHash"]
          .map((name) => store[name](Symbol("odd"))),
        ...["insert", "insertMany", "insertBlock", "remove", "removeMany", "get", "commit"].map((name) => batch[name](Symbol("odd"))),
      ];
      for (const call of calls) {
        ok(call instanceof Promise);
        await call.then(() => ok(false, "accepted"), (error) => equal(error.name, "DagStoreError"));
      }
      ok(batch.rollback() instanceof Promise && store.close() instanceof Promise);
    },
  ],
  [
    "disposing of a store closes it, where the engine can",
    async ({ DagStore }) => {
      const store = new DagStore();
      equal(Symbol.asyncDispose !== undefined, typeof store[Symbol.asyncDispose ?? "none"] === "function");
      if (!Symbol.asyncDispose) return;
      await store.insert(node(1));
      await store[Symbol.asyncDispose]();
      await rejects(store.size(), "ERR_CLOSED");
    },
  ],
  [
    "error codes are one set, and errors are Errors",
    async ({ DagStoreError, ERROR_CODES }) => {
      equal(new Set(ERROR_CODES).size, ERROR_CODES.length);
      ok(ERROR_CODES.every((code) => /^ERR_[A-Z_]+$/.test(code)) && Object.isFrozen(ERROR_CODES));
      const error = new DagStoreError("ERR_LIMIT", "too much", { cause: 0 });
      ok(error instanceof Error && String(error) === "DagStoreError: too much" && error.cause === 0);
      equal(Object.keys(error), ["code"]);
      ok(!("cause" in new DagStoreError("ERR_LIMIT", "too much")));
    },
  ],
  [
    "a method that was taken off its object says so, by its Promise",
    async ({ DagStore }) => {
      const store = new DagStore();
      const batch = await store.beginBatch();
      const methods = (object) =>
        Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(object)))
          .filter(([name, { value }]) => name !== "constructor" && typeof value === "function")
          .map(([name]) => name);
      // These give no Promise, but what is yet to be read.
      const others = ["list", "watch", "ancestors", "descendants", "topological", "diff", "exportCar", "free"];
      for (const object of [store, batch]) {
        for (const name of methods(object)) {
          for (const other of [undefined, null, {}, 5]) {
            if (others.includes(name)) continue;
            const { message } = await rejects(object[name].call(other), "ERR_INVALID_ARGUMENT", name);
            ok(message.includes("as a method"), `${name}: ${message}`);
          }
        }
      }
      const { get } = store;
      await rejects(get("x"), "ERR_INVALID_ARGUMENT");
      equal(await store.size(), 0);
    },
  ],
];
