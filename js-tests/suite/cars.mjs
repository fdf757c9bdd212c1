/** CAR files: nodes on their way from store to store. */
import { NotHere, equal, node, ok, rejects, shuffled } from "./expect.mjs";

/** Nodes of several scopes, with up to three parents each. */
async function filled({ DagStore }, count = 200) {
  const store = new DagStore();
  const nodes = [];
  const ids = [];
  for (let i = 0; i < count; i++) {
    const parents = shuffled(Math.min(i, 12), i).slice(0, i % 4).map((back) => ids[i - 1 - back]);
    nodes.push(node(i, { parents, scopeId: i % 3 ? "a" : "b" }));
    ids.push(await store.insert(nodes[i]));
  }
  return { store, nodes, ids };
}

/** What a file holds: roots, and where each section begins. */
function read(file) {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = file[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const header = number();
  at += header;
  const sections = [];
  while (at < file.length) {
    const start = at;
    const length = number();
    at += length;
    sections.push({ start, cid: file.slice(at - length, at - length + 36), block: file.slice(at - length + 36, at) });
  }
  return { headerEnd: sections[0]?.start ?? at, sections };
}

const join = (parts) => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/** The same file within one of version 2, with bytes between and an index behind. */
function inVersion2(file, padding = 7) {
  const head = new Uint8Array(51 + padding);
  head.set([10, 0xa1, 0x67, ...new TextEncoder().encode("version"), 2]);
  const view = new DataView(head.buffer);
  view.setBigUint64(27, BigInt(51 + padding), true);
  view.setBigUint64(35, BigInt(file.length), true);
  view.setBigUint64(43, BigInt(51 + padding + file.length), true);
  return join([head, file, new Uint8Array(100).fill(0xff)]);
}

const pieces = function* (file, size) {
  for (let at = 0; at < file.length; at += size) yield file.slice(at, at + size);
};

/** All that can be seen of a store. */
const look = async (store) => [await store.stateHash(), await store.size(), await store.heads()];

export const cars = [
  [
    "what one store exports, another imports, in one commit",
    async (api) => {
      const { store, ids } = await filled(api);
      const replica = new api.DagStore();
      const imported = await replica.importCar(await store.exportCar().toBytes(), { stateHash: true });
      equal(imported.inserted, ids);
      equal([imported.sequence, imported.removed], [1, []]);
      equal(imported.roots, await store.heads());
      equal(imported.stateHash, await store.stateHash());
      equal(await look(replica), await look(store));
      await replica.verify();
      const again = await replica.importCar(store.exportCar());
      equal([again.sequence, again.inserted], [1, []]);
    },
  ],
  [
    "a file may come in any way in which bytes do",
    async (api) => {
      const { store } = await filled(api, 40);
      const file = await store.exportCar().toBytes();
      const slow = async function* () {
        for (const piece of pieces(file, 100)) {
          await null;
          yield piece;
        }
      };
      const ways = {
        bytes: () => file,
        "an ArrayBuffer": () => file.buffer,
        "a view": () => new DataView(file.buffer),
        "an array of pieces": () => [...pieces(file, 333)],
        "a generator of single bytes": () => pieces(file, 1),
        "buffers of nothing between": () => [new Uint8Array(0), file.slice(0, 5).buffer, new Uint8Array(0), file.slice(5)],
        "an asynchronous generator": slow,
        "an export": () => store.exportCar(),
        "version 2": () => inVersion2(file),
        "version 2, byte by byte": () => pieces(inVersion2(file, 0), 1),
      };
      if (typeof Blob === "function") ways["a Blob"] = () => new Blob([...pieces(file, 1000)]);
      if (typeof Response === "function") ways["a Response"] = () => new Response(file);
      if (typeof Request === "function") ways["a Request"] = () => new Request("https://example.org/", { method: "POST", body: file });
      if (typeof ReadableStream === "function") {
        ways["a stream"] = () => store.exportCar().stream();
        // As in engines whose streams can't be iterated.
        ways["a stream that can only be read"] = () => {
          const stream = store.exportCar().stream();
          return { getReader: () => stream.getReader() };
        };
      }
      for (const [way, give] of Object.entries(ways)) {
        const replica = new api.DagStore();
        const { inserted } = await replica.importCar(give());
        equal([inserted.length, await look(replica)], [40, await look(store)], way);
        await replica.close();
      }
    },
  ],
  [
    "what is no file is refused",
    async ({ DagStore }) => {
      const store = new DagStore();
      for (const nothing of [undefined, null, 1, "bafy", {}, { then() {} }, new Date(0), Promise.resolve(new Uint8Array(1))]) {
        const error = await rejects(() => store.importCar(nothing), "ERR_INVALID_ARGUMENT", String(nothing));
        equal(error.offset, undefined);
      }
      for (const parts of [["text"], [1], [new Uint8Array(1), null], [[1]]]) {
        await rejects(() => store.importCar(parts), "ERR_INVALID_ARGUMENT", JSON.stringify(parts));
      }
      await rejects(() => store.importCar({ get getReader() { throw new Error("mine"); } }), "ERR_INVALID_ARGUMENT");
      if (typeof Response === "function") {
        const error = await rejects(() => store.importCar(new Response("not found", { status: 404 })), "ERR_INVALID_ARGUMENT");
        ok(error.message.includes("404"));
        equal((await rejects(() => store.importCar(new Response(null)), "ERR_INVALID_ARGUMENT")).offset, 0);
      }
      equal(await store.size(), 0);
    },
  ],
  [
    "what breaks off while it is read is no mistake in the call: ERR_STORAGE, with the cause",
    async (api) => {
      const { store } = await filled(api, 40);
      const file = await store.exportCar().toBytes();
      const broken = new Error("the line is dead");
      const later = async function* (items) {
        yield* items;
        throw broken;
      };
      const files = {
        "an asynchronous generator": () => later(pieces(file, 100)),
        "one that gives nothing": () => later([]),
        "an iterator whose next throws": () => ({ [Symbol.asyncIterator]: () => ({ next() { throw broken; } }) }),
        "a reader": () => ({ getReader: () => ({ read: () => Promise.reject(broken), cancel: async () => {} }) }),
      };
      if (typeof ReadableStream === "function") {
        const stream = () => {
          const all = pieces(file, 1000);
          const pull = (controller) => {
            const { done, value } = all.next();
            if (done) controller.error(broken);
            else controller.enqueue(value);
          };
          return new ReadableStream({ pull });
        };
        files["a stream"] = stream;
        if (typeof Response === "function") files["a Response"] = () => new Response(stream());
      }
      const replica = new api.DagStore();
      const nodes = Array.from({ length: 2000 }, (_, i) => node(i));
      const batch = await replica.beginBatch();
      const calls = [
        ...Object.entries(files).map(([way, give]) => [way, () => replica.importCar(give())]),
        ["nodes", () => replica.insertMany(later(nodes))],
        ["nodes of a batch", () => batch.insertMany(later(nodes))],
      ];
      for (const [way, call] of calls) {
        const { cause } = await rejects(call, "ERR_STORAGE", way);
        ok(cause === broken, `${way}: the cause is ${cause}`);
      }
      // An iterable that throws in the middle of the call is an argument that can't be read.
      const atOnce = (function* () { throw broken; })();
      equal((await rejects(replica.importCar(atOnce), "ERR_INVALID_ARGUMENT")).cause.message, broken.message);
      // What another store refuses is not this one's refusal.
      const closed = new api.DagStore();
      await closed.close();
      equal((await rejects(replica.insertMany(closed.list()), "ERR_STORAGE")).cause.code, "ERR_CLOSED");
      equal((await rejects(replica.importCar(closed.exportCar()), "ERR_STORAGE")).cause.code, "ERR_CLOSED");
      // Whoever gives the call up, and the stream with it, is told of that alone.
      const controller = new AbortController();
      const given = (async function* () {
        controller.abort("enough");
        throw broken;
      })();
      equal((await rejects(replica.importCar(given, { signal: controller.signal }), "ERR_ABORTED")).cause, "enough");
      equal([(await batch.commit()).inserted, await replica.size()], [[], 0]);
    },
  ],
  [
    "a file that was cut short or changed is refused, with the place, and leaves nothing behind",
    async (api) => {
      const { store } = await filled(api, 6);
      const file = await store.exportCar().toBytes();
      const replica = new api.DagStore();
      await replica.insert(node(99));
      const before = await look(replica);
      for (let length = 0; length < file.length; length++) {
        const error = await rejects(replica.importCar(file.subarray(0, length)), "ERR_INVALID_ARGUMENT", `${length} bytes`);
        equal(error.offset, length);
      }
      const { headerEnd, sections } = read(file);
      const starts = [0, headerEnd, ...sections.map(({ start }) => start), file.length];
      for (let at = 0; at < file.length; at++) {
        const damaged = file.slice();
        damaged[at] ^= 1 << (at % 8);
        const error = await replica.importCar(damaged).then(() => ok(false, `byte ${at}`), (error) => error);
        const codes = ["ERR_INVALID_ARGUMENT", "ERR_INVALID_CID", "ERR_LIMIT"];
        ok(codes.includes(error.code) && starts.includes(error.offset), `byte ${at}: ${error.code} at ${error.offset}`);
      }
      equal(await look(replica), before);
      // Of a block that was changed the error tells the CID.
      const last = sections.at(-1);
      const damaged = file.slice();
      damaged[file.length - 1] ^= 1;
      const error = await rejects(replica.importCar(damaged), "ERR_INVALID_CID");
      equal([error.offset, error.cid], [last.start, new api.Link(last.cid).toString()]);
    },
  ],
  [
    "blocks that are no nodes, and headers that lie, are refused where they stand",
    async (api) => {
      const { store, ids } = await filled(api, 3);
      const file = await store.exportCar().toBytes();
      const { headerEnd } = read(file);
      const with_ = (...bytes) => join([file, Uint8Array.from(bytes)]);
      const header = (...bytes) => Uint8Array.from([bytes.length, ...bytes]);
      const roots = [0xa2, 0x65, 0x72, 0x6f, 0x6f, 0x74, 0x73];
      const version = [0x67, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e];
      const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
      const cases = [
        ["a raw block", with_(37, 1, 0x55, 0x12, 0x20, ...new Array(33).fill(7)), "ERR_INVALID_CID", file.length],
        ["a section without a CID", with_(0), "ERR_INVALID_CID", file.length],
        ["an endless section", with_(...huge), "ERR_LIMIT", file.length],
        ["a length that could be shorter", with_(0x80, 0x00), "ERR_INVALID_ARGUMENT", file.length],
        ["an endless header", Uint8Array.from(huge), "ERR_LIMIT", 0],
        ["endless roots", header(...roots, 0x9b, ...huge), "ERR_INVALID_ARGUMENT", 0],
        ["version 3", header(...roots, 0x80, ...version, 3), "ERR_INVALID_ARGUMENT", 0],
        ["no header", new Uint8Array(10), "ERR_INVALID_ARGUMENT", 0],
        ["text", new TextEncoder().encode("<!doctype html><title>Not found</title>".padEnd(100)), "ERR_INVALID_ARGUMENT", 0],
        ["data beyond the end", inVersion2(file).subarray(0, 57 + file.length), "ERR_INVALID_ARGUMENT", 57 + file.length],
      ];
      for (const [what, bytes, code, offset] of cases) {
        for (const given of [bytes, [...pieces(bytes, 1)]]) {
          const replica = new api.DagStore();
          const error = await rejects(replica.importCar(given), code, what);
          equal([error.offset, await replica.size()], [offset, 0], what);
        }
      }
      // A header alone is a file, if its roots are there.
      equal((await store.importCar(file.subarray(0, headerEnd))).inserted, []);
      await rejects(new api.DagStore().importCar(file.subarray(0, headerEnd)), "ERR_INVALID_ARGUMENT");
    },
  ],
  [
    "a parent that is nowhere is told with the place of the first node that has it",
    async (api) => {
      const { DagStore } = api;
      const store = new DagStore();
      const ids = [];
      for (const parents of [[], [], [0], [0, 2], [1], [1, 4], [0]]) {
        ids.push(await store.insert(node(ids.length, { parents: parents.map((i) => ids[i]) })));
      }
      const file = await store.exportCar().toBytes();
      const { headerEnd, sections } = read(file);
      const none = Uint8Array.of(17, 0xa2, 0x65, 0x72, 0x6f, 0x6f, 0x74, 0x73, 0x80, 0x67, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 1);
      const length = (i) => (sections[i + 1]?.start ?? file.length) - sections[i].start;
      const section = (i) => file.slice(sections[i].start, sections[i].start + length(i));
      ok(headerEnd > none.length);
      // In this order; which is named, and its parent. Children may come before their parents.
      const cases = [
        [[3, 0], 3, 2],
        [[2, 0, 4, 3], 4, 1],
        [[3, 2, 6, 0, 5], 5, 1],
        [[6, 0, 0, 5, 4], 5, 1],
        [[5, 3], 5, 1],
        [[3, 3, 5], 3, 0],
      ];
      for (const [order, orphan, parent] of cases) {
        const offset = none.length + order.slice(0, order.indexOf(orphan)).reduce((sum, i) => sum + length(i), 0);
        const given = join([none, ...order.map(section)]);
        for (const car of [given, [...pieces(given, 50)]]) {
          const replica = new DagStore();
          const error = await rejects(replica.importCar(car), "ERR_MISSING_PARENT", String(order));
          equal([error.cid, error.parent, error.offset], [ids[orphan], ids[parent], offset], String(order));
          equal(await replica.size(), 0);
        }
      }
      const replica = new DagStore();
      await replica.insertMany([node(0), node(1)]);
      equal((await replica.importCar(join([none, section(3), section(6), section(2)]))).inserted, [ids[6], ids[2], ids[3]]);
      equal((await rejects(replica.importCar(join([none, section(2), section(5)])), "ERR_MISSING_PARENT")).cid, ids[5]);
    },
  ],
  [
    "exports choose by scope, past and commit",
    async (api) => {
      const { store, nodes, ids } = await filled(api);
      const found = async (options) => {
        const replica = new api.DagStore();
        const all = await store.exportCar(options).toBytes();
        const { sections } = read(all);
        await replica.close();
        return sections.map(({ cid }) => new api.Link(cid).toString());
      };
      const past = (of) => {
        const set = new Set(of);
        for (let i = ids.length - 1; i >= 0; i--) if (set.has(ids[i])) nodes[i].parents.forEach((id) => set.add(id));
        return set;
      };
      const chosen = (choose) => ids.filter((id, i) => choose(id, nodes[i], i));
      equal(await found({}), ids);
      equal(await found({ scopeId: "a" }), chosen((_, { scopeId }) => scopeId === "a"));
      equal(await found({ scopeId: "nobody's" }), []);
      const [of, not] = [past([ids[150], ids[151]]), past([ids[100]])];
      ok(of.size > 10 && of.size < 152, `${of.size}`);
      equal(await found({ pastOf: [ids[150], api.Link.parse(ids[151])] }), chosen((id) => of.has(id)));
      equal(await found({ notPastOf: [new api.Link(api.Link.parse(ids[100]).bytes).bytes] }), chosen((id) => !not.has(id)));
      equal(await found({ pastOf: [ids[150], ids[151]], notPastOf: [ids[100]] }), chosen((id) => of.has(id) && !not.has(id)));
      equal(await found({ pastOf: [] }), []);
      equal(await found({ pastOf: ids[150], notPastOf: new Set([ids[100]]) }), await found({ pastOf: [ids[150]], notPastOf: [ids[100]] }));
      equal(await found({ pastOf: api.Link.parse(ids[3]) }), chosen((id) => past([ids[3]]).has(id)));
      equal(await found({ notPastOf: api.Link.parse(ids[100]).bytes }), chosen((id) => !not.has(id)));
      equal(await found({ afterCommit: 200 }), []);
      for (const beyond of [201, 2 ** 53 - 1]) {
        await rejects(store.exportCar({ afterCommit: beyond }).toBytes(), "ERR_INVALID_ARGUMENT");
        await rejects(store.exportCar({ afterCommit: beyond, pastOf: [] }).toBytes(), "ERR_INVALID_ARGUMENT");
      }
      equal(await found({ afterCommit: 150 }), ids.slice(150));
      equal(await found({ afterCommit: 150, scopeId: "b" }), chosen((_, { scopeId }, i) => i >= 150 && scopeId === "b"));
      const stranger = await new api.DagStore().insert(node(1000));
      equal(await found({ notPastOf: [stranger] }), ids);
      const error = await rejects(store.exportCar({ pastOf: [stranger] }).toBytes(), "ERR_NOT_FOUND");
      equal(error.cid, stranger);
      for (const wrong of [{ scopeId: 1 }, { afterCommit: -1 }, { since: 1 }, 7]) {
        await rejects(store.exportCar(wrong).toBytes(), "ERR_INVALID_ARGUMENT", JSON.stringify(wrong));
      }
      for (const wrong of [{ pastOf: ["bafy"] }, { pastOf: "bafy" }, { notPastOf: null }, { notPastOf: [7] }]) {
        await rejects(store.exportCar(wrong).toBytes(), "ERR_INVALID_CID", JSON.stringify(wrong));
      }
    },
  ],
  [
    "a long export is of the state at its beginning, or fails",
    async ({ DagStore }) => {
      const store = new DagStore();
      const content = "x".repeat(100_000);
      const ids = [];
      for (let i = 0; i < 20; i++) ids.push(await store.insert(node(i, { content: content + i, parents: ids.slice(0, 1) })));
      const whole = await store.exportCar().toBytes();

      const car = store.exportCar();
      const chunks = [];
      for await (const chunk of car) {
        ok(chunk.length <= (1 << 18) + 1000);
        chunks.push(chunk);
        await store.insert(node(1000 + chunks.length));
      }
      ok(chunks.length > 5);
      ok(join(chunks).every((byte, at) => byte === whole[at]) && join(chunks).length === whole.length);
      ok((await car.toBytes()).length > whole.length, "each loop writes it anew");

      for (const options of [{}, { pastOf: ids }]) {
        const loop = store.exportCar(options)[Symbol.asyncIterator]();
        await loop.next();
        await store.remove(ids.pop());
        await rejects(async () => {
          while (!(await loop.next()).done);
        }, "ERR_CONDITION_FAILED");
        equal(await loop.next(), { done: true, value: undefined });
      }
    },
  ],
  [
    "an export is read no further than it is asked for, and is given up",
    async (api) => {
      const { DagStore } = api;
      const store = new DagStore();
      for (let i = 0; i < 8; i++) await store.insert(node(i, { content: `${i}`.repeat(200_000) }));
      for await (const chunk of store.exportCar()) {
        ok(chunk.length > 100_000);
        break;
      }
      if (typeof ReadableStream === "function") {
        const reader = store.exportCar().stream().getReader();
        ok((await reader.read()).value.length > 100_000);
        await reader.cancel();
      }
      const controller = new AbortController();
      const told = [];
      const onProgress = (progress) => {
        told.push(progress);
        if (told.length === 3) controller.abort(new Error("enough"));
      };
      const error = await rejects(store.exportCar({ signal: controller.signal, onProgress }).toBytes(), "ERR_ABORTED");
      equal(error.cause.message, "enough");
      equal(told.map(({ total }) => total), [8, 8, 8]);
      const loop = store.exportCar()[Symbol.asyncIterator]();
      await loop.next();
      await store.close();
      await rejects(loop.next(), "ERR_CLOSED");
      await rejects(store.exportCar().toBytes(), "ERR_CLOSED");
    },
  ],
  [
    "an import is a commit: with an id, conditions, progress, a signal",
    async (api) => {
      const { store, ids } = await filled(api, 3000);
      const file = await store.exportCar().toBytes();
      const replica = new api.DagStore();
      await rejects(replica.importCar(file, { conditions: [{ heads: [ids[0]] }] }), "ERR_CONDITION_FAILED");
      await rejects(replica.importCar(file, { conditions: [{ absent: ids[0] }], id: "no" }), "ERR_INVALID_ARGUMENT");
      for (const give of [() => file, () => pieces(file, 5000), () => store.exportCar()]) {
        const controller = new AbortController();
        const cancelled = replica.importCar(give(), {
          signal: controller.signal,
          onProgress: ({ done }) => done > 100_000 && controller.abort("stop"),
        });
        equal((await rejects(cancelled, "ERR_ABORTED")).cause, "stop");
      }
      equal([await replica.size(), await replica.stateHash()], [0, await new api.DagStore().stateHash()]);
      const told = [];
      const id = "0".repeat(31) + "1";
      const imported = await replica.importCar(file, { id, conditions: [{ heads: [] }], onProgress: (p) => told.push(p) });
      equal(imported.id, id);
      equal(told.at(-1), { done: 2 * file.length, total: 2 * file.length });
      ok(told.every(({ done }, i) => i === 0 || done >= told[i - 1].done));
    },
  ],
  [
    "an import keeps to the limits, and closes what it doesn't read to its end",
    async (api) => {
      const { store } = await filled(api, 30);
      const file = await store.exportCar().toBytes();
      const { sections } = read(file);
      const replica = new api.DagStore({ limits: { batchOperations: 10 } });
      equal((await rejects(replica.importCar(file), "ERR_LIMIT")).offset, sections[10].start);
      let closed = 0;
      const endless = async function* () {
        try {
          yield file;
          for (;;) yield sections[0].block;
        } finally {
          closed++;
        }
      };
      await rejects(replica.importCar(endless()), "ERR_LIMIT");
      await rejects(new api.DagStore().importCar(endless()), "ERR_INVALID_CID");
      equal(closed, 2);
      const large = new api.DagStore({ limits: { blockBytes: sections[0].block.length - 1 } });
      equal((await rejects(large.importCar(file), "ERR_LIMIT")).offset, sections[0].start);
      equal([await replica.size(), await large.size()], [0, 0]);
    },
  ],
  [
    "imports take their place among the writes",
    async (api) => {
      const { store, ids } = await filled(api, 20);
      const file = await store.exportCar().toBytes();
      const replica = new api.DagStore();
      const first = replica.importCar(file);
      const second = replica.insert(node(500, { parents: [ids[19]] }));
      equal((await first).sequence, 1);
      ok(await replica.has(await second));
      // What gives the pieces may write to the same store.
      const writing = new api.DagStore();
      await writing.importCar((async function* () {
        await writing.insert(node(600));
        yield* pieces(file, 700);
      })());
      equal(await writing.size(), 21);
      // What is passed may be changed right after.
      const changed = file.slice();
      const imported = new api.DagStore().importCar(changed);
      changed.fill(0);
      equal((await imported).inserted, ids);
      const late = new api.DagStore();
      const never = late.importCar((async function* () { await new Promise(() => {}); yield file; })());
      await late.close();
      await rejects(never, "ERR_CLOSED");
      await rejects(late.importCar(file), "ERR_CLOSED");
    },
  ],
  [
    "large files are read in slices, between which the event loop has its turn",
    async (api) => {
      const source = new api.DagStore();
      const count = 30_000;
      await source.insertMany(Array.from({ length: count }, (_, i) => node(i)));
      const file = await source.exportCar().toBytes();
      ok(file.length > 3 << 20);
      const replica = new api.DagStore();
      const { roots, inserted } = await replica.importCar(file);
      equal([roots.length, inserted.length], [1024, count]);
      equal(roots, inserted.slice(-1024));
      equal(await look(replica), await look(source));
      if (typeof ReadableStream !== "function" || typeof Response !== "function") throw new NotHere("it has no streams of the web");
      const response = new Response(source.exportCar().stream());
      equal(new Uint8Array(await response.arrayBuffer()).length, file.length);
    },
  ],
  [
    "a node as DAG-JSON",
    async (api) => {
      const { DagStore, Link, toDagJson } = api;
      const link = Link.parse("bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua");
      const content = { "é": [1, -1.5, 2 ** 53, 2n ** 60n, null, true], "": "\n\"\u2028", b: Uint8Array.of(255, 254), l: link };
      const input = { content, eventType: "vote", scopeId: "s", timestamp: 7, parents: [link], nonce: Uint8Array.of(1) };
      const expected =
        '{"content":{"":"\\n\\"\u2028","b":{"/":{"bytes":"//4"}},"l":{"/":"' + link + '"},' +
        '"é":[1,-1.5,9007199254740992.0,1152921504606846976,null,true]},"event_type":"vote","nonce":{"/":{"bytes":"AQ"}},' +
        '"parents":[{"/":"' + link + '"}],"scope_id":"s","timestamp":7}';
      equal(toDagJson(input), expected);
      const store = new DagStore();
      const id = await store.insert({ ...input, parents: [] });
      equal(toDagJson(await store.get(id)), toDagJson({ ...input, parents: [] }));
      const cyclic = {};
      cyclic.self = cyclic;
      const wrong = [
        [undefined, "ERR_INVALID_NODE"],
        [{}, "ERR_INVALID_NODE"],
        [{ ...input, content: undefined }, "ERR_INVALID_NODE"],
        [{ ...input, content: cyclic }, "ERR_LIMIT"],
        [{ ...input, parents: ["x"] }, "ERR_INVALID_CID"],
      ];
      for (const [given, code] of wrong) await rejects(async () => toDagJson(given), code);
    },
  ],
];
