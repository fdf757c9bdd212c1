/** The contract of journals itself: whoever breaks it must be caught. And journals that are not what they should be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as dagStore from "dag-store";
import * as testing from "dag-store/testing";
import { journalSuite } from "../suite/journals.mjs";

const { DagStore, DagStoreError } = dagStore;
const { FaultyJournal, MemoryJournal, MemoryMedium, journalCases } = testing;

const NODE = { content: 1, eventType: "vote", scopeId: "s", timestamp: 0 };
const PROMISES = { durability: "relaxed", writers: "many", watch: true, checkpoints: true };

const mediumOf = (Journal) => () => {
  const medium = new MemoryMedium();
  return { open: () => new Journal(medium) };
};

for (const { name, run } of journalSuite(testing, mediumOf(MemoryJournal))) {
  test(`in memory: ${name}`, async () => {
    await run(dagStore).catch((error) => {
      // Memory promises all there is but a limit.
      if (error?.name !== "NotHere" || !/no limit/.test(error.message)) throw error;
    });
  });
}

/** Journals with one mistake each. */
const WRONG = {
  "promises nothing": (Journal) => class extends Journal { async open() { return {}; } },
  "appends after whatever there is": (Journal) =>
    class extends Journal {
      async append(after, segments) {
        return (await super.append(after, segments)) || super.append((await this.all()).at(-1) ?? { sequence: 0 }, segments);
      }
    },
  "says that it appended": (Journal) => class extends Journal { async append(...args) { await super.append(...args); return true; } },
  "appends, and says that it didn't": (Journal) => class extends Journal { async append(...args) { await super.append(...args); return false; } },
  "appends half of a group": (Journal) =>
    class extends Journal { append(after, segments) { return super.append(after, segments.slice(0, Math.ceil(segments.length / 2))); } },
  "looks, then writes": (Journal) =>
    class extends Journal {
      async append(after, segments) {
        const last = (await this.all()).at(-1) ?? { sequence: 0 };
        await new Promise((resolve) => setTimeout(resolve));
        return last.sequence === after.sequence ? super.append((await this.all()).at(-1) ?? { sequence: 0 }, segments) : false;
      }
    },
  "compares numbers alone": (Journal) =>
    class extends Journal {
      async append(after, segments) {
        const last = (await this.all()).at(-1) ?? { sequence: 0 };
        return super.append(last.sequence === after.sequence ? last : after, segments);
      }
    },
  "reads from the beginning": (Journal) => class extends Journal { read(after, maxBytes) { return super.read(Math.min(after, 1), maxBytes); } },
  "reads one too few": (Journal) => class extends Journal { read(after, maxBytes) { return super.read(after + 1, maxBytes); } },
  "reads backwards": (Journal) => class extends Journal { async read(...args) { return (await super.read(...args)).reverse(); } },
  "reads everything whatever was asked": (Journal) => class extends Journal { read(after) { return super.read(after, Infinity); } },
  "gives up where the first is too large": (Journal) =>
    class extends Journal { async read(after, maxBytes) { return (await super.read(after, maxBytes)).filter(({ bytes }) => bytes.length <= maxBytes); } },
  "cuts off zeros": (Journal) =>
    class extends Journal {
      async read(...args) {
        return (await super.read(...args)).map((segment) => ({ ...segment, bytes: segment.bytes.subarray(0, segment.bytes.findLastIndex(Boolean) + 1) }));
      }
    },
  "loses the last byte of what is large": (Journal) =>
    class extends Journal {
      append(after, segments) {
        return super.append(after, segments.map((segment) => ({ ...segment, bytes: segment.bytes.subarray(0, Math.min(segment.bytes.length, 1 << 20)) })));
      }
    },
  "stores the whole buffer": (Journal) =>
    class extends Journal {
      append(after, segments) {
        return super.append(after, segments.map((segment) => ({ ...segment, bytes: new Uint8Array(segment.bytes.buffer) })));
      }
    },
  "keeps what it was given": (Journal) =>
    class extends Journal {
      #given = new Map();
      async append(after, segments) {
        const written = await super.append(after, segments);
        if (written) for (const { sequence, bytes } of segments) this.#given.set(sequence, bytes);
        return written;
      }
      async read(...args) {
        return (await super.read(...args)).map((segment) => ({ ...segment, bytes: this.#given.get(segment.sequence) ?? segment.bytes }));
      }
    },
  "answers when it is closed": (Journal) =>
    class extends Journal {
      async close() {}
    },
  "tells nobody": (Journal) => class extends Journal { changed(after, signal) { return after === 0 ? super.changed(after, signal) : super.changed(after + 2, signal); } },
  "puts an older checkpoint in force": (Journal) =>
    class extends Journal {
      async writeCheckpoint(meta, parts) {
        const current = await this.checkpoint();
        return super.writeCheckpoint({ ...meta, sequence: Math.max(meta.sequence, (current?.sequence ?? 0) + 1) }, parts);
      }
    },
  "forgets the state hash": (Journal) =>
    class extends Journal { writeCheckpoint(meta, parts) { return super.writeCheckpoint({ ...meta, stateHash: new Uint8Array(32) }, parts); } },
  "keeps the first part alone": (Journal) =>
    class extends Journal {
      writeCheckpoint(meta, parts) {
        async function* first() {
          for await (const part of parts) return void (yield part);
        }
        return super.writeCheckpoint(meta, first());
      }
    },
  "swallows what the parts throw": (Journal) =>
    class extends Journal {
      writeCheckpoint(meta, parts) {
        async function* whole() {
          try {
            yield* parts;
          } catch {
            // Nothing.
          }
        }
        return super.writeCheckpoint(meta, whole());
      }
    },
  "mixes up two checkpoints": (Journal) => class extends Journal { async readCheckpoint(_, part) { return super.readCheckpoint(await this.checkpoint(), part); } },
};

/** A journal with a way to read everything, for those above. */
class Whole extends MemoryJournal {
  #medium;
  constructor(medium) {
    super(medium);
    this.#medium = medium;
  }
  async all() {
    return this.#medium.segments;
  }
}

for (const [name, wrong] of Object.entries(WRONG)) {
  test(`a journal that ${name} is caught`, { timeout: 60_000 }, async () => {
    const caught = [];
    for (const { name, run } of journalCases(mediumOf(wrong(Whole)))) {
      // Waiting for ever is the one mistake that can't be told from being slow.
      let timer;
      const late = new Promise((resolve) => (timer = setTimeout(resolve, 3_000, true)));
      const outcome = await Promise.race([run().then(() => false, () => true), late]);
      clearTimeout(timer);
      if (outcome) caught.push(name);
      if (caught.length > 0) break;
    }
    assert.ok(caught.length > 0);
  });
}

test("a fault happens to the call that it is for, before, after or in the midst of its effect", async () => {
  const one = { sequence: 1, commit: new Uint8Array(36), bytes: new Uint8Array(5) };
  const two = { ...one, sequence: 2 };
  for (const [fault, there, code] of [
    [{ call: "append" }, 0, "ERR_STORAGE"],
    [{ call: "append", when: "after" }, 2, "ERR_OUTCOME_UNKNOWN"],
    [{ call: "append", when: "half" }, 1, "ERR_OUTCOME_UNKNOWN"],
    [{ at: 2 }, 0, "ERR_STORAGE"],
    [{ call: "append", error: new DagStoreError("ERR_QUOTA", "full") }, 0, "ERR_QUOTA"],
  ]) {
    const medium = new MemoryMedium();
    const journal = new FaultyJournal(new MemoryJournal(medium), fault);
    assert.deepEqual(await journal.open(), PROMISES);
    await assert.rejects(journal.append({ sequence: 0 }, [one, two]), { code });
    assert.equal(medium.segments.length, there);
    assert.equal((await journal.read(0, 100)).length, there);
  }
  const always = new FaultyJournal(new MemoryJournal(), { call: "read", at: 2, times: "always" });
  assert.deepEqual(await always.read(0, 1), []);
  for (let i = 0; i < 3; i++) await assert.rejects(always.read(0, 1), { code: "ERR_STORAGE" });
  assert.equal(always.calls, 4);
});

/** What a hostile journal gives, and what comes of that. */
const STRANGE = {
  "open gives nothing": [{ open: () => undefined }, "ERR_INVALID_ARGUMENT"],
  "open gives what can't be read": [{ open: () => new Proxy({}, { get() { throw new Error("no"); } }) }, "ERR_STORAGE"],
  "open throws a number": [{ open() { throw 5; } }, "ERR_STORAGE"],
  "open throws a revoked proxy": [{ open() { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy; } }, "ERR_STORAGE"],
  "open throws an error of ours": [{ open() { throw new DagStoreError("ERR_EVICTED", "gone"); } }, "ERR_EVICTED"],
  "open throws one that only the store may give": [{ open() { throw new DagStoreError("ERR_POISONED", "no"); } }, "ERR_STORAGE"],
  "watching is promised, but there is no method": [{ changed: undefined }, "ERR_INVALID_ARGUMENT"],
  "a limit of nothing": [{ open: async () => ({ ...PROMISES, maxAppend: 0 }) }, "ERR_INVALID_ARGUMENT"],
  "read gives nothing": [{ read: () => undefined }, "ERR_STORAGE"],
  "read gives a number": [{ read: () => 5 }, "ERR_STORAGE"],
  "read gives segments that are none": [{ read: () => [null] }, "ERR_STORAGE"],
  "read gives text for bytes": [{ read: () => [{ sequence: 1, commit: new Uint8Array(36), bytes: "text" }] }, "ERR_STORAGE"],
  "read gives a short CID": [{ read: () => [{ sequence: 1, commit: new Uint8Array(35), bytes: new Uint8Array(5) }] }, "ERR_STORAGE"],
  "read gives half a number": [{ read: () => [{ sequence: 0.5, commit: new Uint8Array(36), bytes: new Uint8Array(5) }] }, "ERR_STORAGE"],
  "read gives what is no CID": [{ read: () => [{ sequence: 1, commit: new Uint8Array(36), bytes: new Uint8Array(5) }] }, "ERR_CORRUPT"],
  "read gives shared memory": [{ read: () => [{ sequence: 1, commit: new Uint8Array(new SharedArrayBuffer(36)), bytes: new Uint8Array(5) }] }, "ERR_STORAGE"],
  "read gives a thenable that throws": [{ read: () => ({ then() { throw new Error("no"); } }) }, "ERR_STORAGE"],
  "a checkpoint that is none": [{ checkpoint: () => 5 }, "ERR_STORAGE"],
  "a status with text in it": [{ status: () => ({ bytesUsed: "many" }) }, "ERR_STORAGE"],
};

const strange = (methods) => Object.assign(new MemoryJournal(), methods);

for (const [name, [methods, code]] of Object.entries(STRANGE)) {
  test(`opening where ${name} is ${code}, and closes the journal`, async () => {
    let closed = 0;
    const journal = strange({ ...methods, close: async () => void closed++ });
    await assert.rejects(DagStore.open({ journal }), (error) => error instanceof DagStoreError && error.code === code);
    assert.equal(closed, 1);
    // The wasm is as it was.
    assert.equal(await new DagStore().size(), 0);
  });
}

for (const [name, append, code] of [
  ["gives nothing", () => undefined, "ERR_OUTCOME_UNKNOWN"],
  ["gives text", async () => "true", "ERR_OUTCOME_UNKNOWN"],
  ["throws an error of its own", async () => { throw new RangeError("no"); }, "ERR_OUTCOME_UNKNOWN"],
  ["says that there is no room", async () => { throw new DagStoreError("ERR_QUOTA", "full"); }, "ERR_QUOTA"],
  ["says that others were first, and nobody was", async () => false, "ERR_NEEDS_REOPEN"],
]) {
  test(`an append that ${name} is ${code}`, async () => {
    const store = await DagStore.open({ journal: strange({ append }) });
    const error = await store.insert(NODE).catch((error) => error);
    assert.equal(error.code, code, error);
    if (code === "ERR_QUOTA") assert.equal(await store.size(), 0);
    if (name.includes("its own")) assert.match(error.cause.message, /RangeError: no/);
    await store.close();
  });
}

test("a journal may call its store from within, and is called when nothing else runs", async () => {
  const journal = new MemoryJournal();
  const seen = [];
  const append = journal.append.bind(journal);
  journal.append = async (after, segments) => {
    seen.push(await store.size(), await store.has((await store.heads())[0] ?? "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"));
    return append(after, segments);
  };
  const store = await DagStore.open({ journal });
  await store.insert(NODE);
  await store.insert({ ...NODE, content: 2 });
  assert.deepEqual(seen, [0, false, 1, true]);
  await store.close();
});

test("reads go on while an append never ends, and the close waits for it", async () => {
  const journal = new MemoryJournal();
  const store = await DagStore.open({ journal });
  const first = await store.insert(NODE);
  let finish;
  journal.append = () => new Promise((resolve) => (finish = () => resolve(false)));
  const writing = store.insert({ ...NODE, content: 2 }).catch(({ code }) => code);
  assert.equal((await store.get(first)).cid, first);
  let isClosed = false;
  const closing = store.close().then(() => (isClosed = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isClosed, false);
  delete journal.append;
  finish();
  assert.match(await writing, /^bafy/);
  await closing;
});

test("opening is given up by its signal, though the journal never answers", async () => {
  for (const name of ["open", "read", "status"]) {
    const journal = strange({ [name]: () => new Promise(() => {}) });
    const controller = new AbortController();
    const opening = DagStore.open({ journal, signal: controller.signal });
    setTimeout(() => controller.abort("enough"), 5);
    await assert.rejects(opening, { code: "ERR_ABORTED", cause: "enough" });
  }
});

test("appends that wait for one another are made as one group", async () => {
  const medium = new MemoryMedium();
  const journal = new MemoryJournal(medium);
  const groups = [];
  const append = journal.append.bind(journal);
  journal.append = async (after, segments) => {
    groups.push(segments.length);
    // As long as a disk takes.
    await new Promise((resolve) => setTimeout(resolve, 5));
    return append(after, segments);
  };
  const store = await DagStore.open({ journal });
  await Promise.all(Array.from({ length: 50 }, (_, content) => store.insert({ ...NODE, content })));
  assert.equal(groups.reduce((sum, count) => sum + count), 50);
  assert.ok(groups.length <= 10, groups.join());
  await store.close();
});
