/** The contract of `Journal`, as cases that know no runtime and no test runner. */

const CID_BYTES = 36;
const HASH_BYTES = 32;
const EVERYTHING = 1 << 30;
const NONE = { sequence: 0 };
const NO_CHECKPOINTS = "no checkpoints are promised";

export function journalCases(makeMedium) {
  return Object.entries(CASES).map(([name, check]) => ({
    name,
    async run() {
      const bench = new Bench(await makeMedium());
      try {
        const reason = await check(bench);
        return typeof reason === "string" ? reason : undefined;
      } finally {
        await bench.end();
      }
    },
  }));
}

/** A medium, and the journals that a case has opened on it. */
class Bench {
  promises;
  #medium;
  #opened = [];

  constructor(medium) {
    this.#medium = medium;
  }

  async open() {
    const journal = await this.#medium.open();
    this.#opened.push(journal);
    this.promises = await journal.open();
    return journal;
  }

  /** Closes a journal, and opens another where it was. */
  async reopen(journal) {
    await journal.close();
    return this.open();
  }

  async end() {
    for (const journal of this.#opened) await journal.close();
    await this.#medium.remove?.();
  }
}

const CASES = {
  async "it says what it promises"(bench) {
    await bench.open();
    const { durability, writers, watch, checkpoints, maxAppend } = bench.promises;
    ok(["strict", "relaxed"].includes(durability), `durability is ${show(durability)}`);
    ok(["one", "many"].includes(writers), `writers is ${show(writers)}`);
    equal([typeof watch, typeof checkpoints], ["boolean", "boolean"], "the types of watch and checkpoints");
    ok(maxAppend === undefined || (Number.isSafeInteger(maxAppend) && maxAppend > 0), `maxAppend is ${show(maxAppend)}`);
  },

  async "a new one is empty"(bench) {
    const journal = await bench.open();
    equal(await journal.read(0, EVERYTHING), []);
    if (bench.promises.checkpoints) equal(await journal.checkpoint(), undefined);
  },

  async "what was appended is read, byte for byte and in order"(bench) {
    const journal = await bench.open();
    const sizes = [1, 100, 4095, 4096, 4097, 65_536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000];
    const segments = sizes.filter((size) => fits(bench, size)).map((size, i) => segment(i + 1, size));
    await append(journal, NONE, segments.slice(0, 1));
    await append(journal, segments[0], segments.slice(1, 4));
    await append(journal, segments[3], segments.slice(4));
    equal(await readAll(journal), segments);
  },

  async "a thousand segments are appended as one group"(bench) {
    const journal = await bench.open();
    const segments = chain(1, 1000);
    await append(journal, NONE, segments);
    equal(await readAll(journal), segments);
  },

  async "a read begins after the commit that it names"(bench) {
    const journal = await bench.open();
    const segments = chain(1, 5);
    await append(journal, NONE, segments);
    for (let after = 0; after <= 5; after++) equal(await readAll(journal, after), segments.slice(after), `after ${after}`);
    equal(await journal.read(6, EVERYTHING), [], "after one that is not there yet");
  },

  async "a read gives at least one segment, and stops once it has enough bytes"(bench) {
    const journal = await bench.open();
    const segments = Array.from({ length: 20 }, (_, i) => segment(i + 1, 1000));
    await append(journal, NONE, segments);
    equal(await journal.read(3, 1), [segments[3]]);
    equal(await journal.read(0, 0), [segments[0]], "a limit of nothing");
    const few = await journal.read(0, 5000);
    ok(few.length >= 1 && few.length <= 6, `${few.length} segments of 1,000 bytes, where 5,000 were asked for`);
    equal(await readAll(journal, 0, 2500), segments);
  },

  async "an append after another commit than the last writes nothing"(bench) {
    const journal = await bench.open();
    const segments = chain(1, 3);
    await refused(journal, segment(2), [segment(3)], "after a commit, where there is none");
    await append(journal, NONE, segments);
    const next = [segment(4)];
    await refused(journal, NONE, [segment(1)], "as if there were none");
    await refused(journal, segments[1], [segment(3, 10, 7)], "after the last but one");
    await refused(journal, segment(4), [segment(5)], "after one that is yet to come");
    await refused(journal, { ...segments[2], commit: segment(3, 10, 7).commit }, next, "after another commit of that number");
    equal(await readAll(journal), segments);
    await append(journal, segments[2], next);
    equal(await readAll(journal), [...segments, ...next]);
  },

  async "of appends that overlap, one is first"(bench) {
    const journal = await bench.open();
    const rivals = Array.from({ length: 8 }, (_, salt) => [segment(1, 50, salt), segment(2, 50, salt)]);
    const outcomes = await Promise.all(rivals.map((rival) => journal.append(NONE, rival)));
    equal(outcomes.filter((outcome) => outcome === true).length, 1, "how many were written");
    equal(await readAll(journal), rivals[outcomes.indexOf(true)]);
  },

  async "a group beyond its limit is refused, and nothing of it written"(bench) {
    const journal = await bench.open();
    const { maxAppend } = bench.promises;
    if (maxAppend === undefined || maxAppend > 1 << 26) return "no limit of up to 64 MiB is promised";
    await append(journal, NONE, [segment(1)]);
    const half = Math.floor(maxAppend / 2) + 1;
    await rejects(() => journal.append(segment(1), [segment(2, half), segment(3, half)]), "ERR_LIMIT");
    equal(await readAll(journal), [segment(1)]);
    const whole = segment(2, maxAppend);
    await append(journal, segment(1), [whole]);
    equal(await readAll(journal, 1), [whole]);
  },

  async "what is handed over and back is a copy"(bench) {
    const journal = await bench.open();
    const given = segment(1, 5000);
    await append(journal, NONE, [given]);
    given.bytes.fill(0);
    given.commit.fill(0);
    const [read] = await journal.read(0, EVERYTHING);
    equal(read, segment(1, 5000));
    read.bytes.fill(0);
    read.commit.fill(0);
    equal(await readAll(journal), [segment(1, 5000)]);
  },

  async "bytes may lie within a larger buffer"(bench) {
    const journal = await bench.open();
    const buffer = new Uint8Array(10_000).fill(9);
    const { sequence, commit, bytes } = segment(1, 5000);
    buffer.set(commit, 3);
    buffer.set(bytes, 101);
    const within = { sequence, commit: buffer.subarray(3, 3 + CID_BYTES), bytes: buffer.subarray(101, 5101) };
    await append(journal, NONE, [within]);
    equal(await readAll(journal), [segment(1, 5000)]);
    await append(journal, within, [segment(2)]);
  },

  async "everything is there after it was closed and opened again"(bench) {
    const segments = chain(1, 4);
    let journal = await bench.open();
    await append(journal, NONE, segments.slice(0, 3));
    journal = await bench.reopen(journal);
    equal(await readAll(journal), segments.slice(0, 3));
    await refused(journal, segments[1], [segments[2]], "after the last but one");
    await append(journal, segments[2], [segments[3]]);
    journal = await bench.reopen(journal);
    equal(await readAll(journal), segments);
  },

  async "once closed it refuses everything, and may be closed again"(bench) {
    const journal = await bench.open();
    await journal.close();
    await journal.close();
    const calls = {
      append: () => journal.append(NONE, [segment(1)]),
      read: () => journal.read(0, EVERYTHING),
      ...(bench.promises.checkpoints && {
        checkpoint: () => journal.checkpoint(),
        writeCheckpoint: () => journal.writeCheckpoint(meta(1), stream([])),
        readCheckpoint: () => journal.readCheckpoint(meta(1), 0),
      }),
    };
    for (const call of Object.values(calls)) await rejects(call, "ERR_CLOSED");
    equal(await readAll(await bench.open()), []);
  },

  async "an append that was called before the close is written, or refused"(bench) {
    let journal = await bench.open();
    const appending = journal.append(NONE, [segment(1)]).catch((error) => error.code);
    await journal.close();
    const outcome = await appending;
    ok(outcome === true || outcome === "ERR_CLOSED", `got ${show(outcome)}`);
    journal = await bench.open();
    equal(await readAll(journal), outcome === true ? [segment(1)] : []);
  },

  async "journals on the same medium see each other's segments"(bench) {
    const one = await bench.open();
    if (bench.promises.writers !== "many") return "one writer is promised";
    const other = await bench.open();
    const segments = chain(1, 4);
    await append(one, NONE, [segments[0]]);
    equal(await readAll(other), [segments[0]]);
    await append(other, segments[0], [segments[1]]);
    await refused(one, segments[0], [segment(2, 10, 7)], "after what was the last");
    await append(one, segments[1], segments.slice(2));
    equal(await readAll(other), segments);
    equal(await readAll(one), segments);
  },

  async "journals that write at each other lose nothing"(bench) {
    const writers = [await bench.open()];
    if (bench.promises.writers !== "many") return "one writer is promised";
    writers.push(await bench.open(), await bench.open());
    const each = 15;
    const written = await Promise.all(writers.map((journal, salt) => writeAtOthers(journal, salt + 1, each)));
    const segments = await readAll(writers[0]);
    equal(segments.length, each * writers.length);
    const all = written.flat().sort((a, b) => a.sequence - b.sequence);
    equal(segments, all);
    equal(await readAll(writers[2]), all);
  },

  async "who waits is told of what others append"(bench) {
    const journal = await bench.open();
    if (!bench.promises.watch) return "no watching is promised";
    const { signal } = new AbortController();
    const writer = bench.promises.writers === "many" ? await bench.open() : journal;
    const told = journal.changed(0, signal);
    await append(writer, NONE, [segment(1)]);
    await told;
    // What is there already is told at once.
    await journal.changed(0, signal);
    const both = Promise.all([journal.changed(1, signal), journal.changed(1, signal)]);
    await append(writer, segment(1), chain(2, 3));
    await both;
  },

  async "who waits stops by a signal, and with the journal"(bench) {
    const journal = await bench.open();
    if (!bench.promises.watch) return "no watching is promised";
    const controller = new AbortController();
    const waiting = journal.changed(0, controller.signal);
    controller.abort();
    await settled(waiting);
    await settled(journal.changed(0, controller.signal));
    const other = journal.changed(0, new AbortController().signal);
    await journal.close();
    await settled(other);
  },

  async "a checkpoint takes the place of the segments before it"(bench) {
    const journal = await bench.open();
    if (!bench.promises.checkpoints) return NO_CHECKPOINTS;
    const segments = chain(1, 5);
    await append(journal, NONE, segments);
    const chunks = [bytesOf(1, 10), bytesOf(2, 1 << 20), bytesOf(3, 70_000)];
    equal(await journal.writeCheckpoint(meta(3), stream(chunks)), true);
    equal(await journal.checkpoint(), meta(3));
    equal(await readCheckpoint(journal, meta(3)), concat(chunks));
    equal(await readAll(journal, 3), segments.slice(3));
    await gone(() => readAll(journal, 0), segments);
    await append(journal, segments[4], [segment(6)]);
    equal(await readAll(journal, 3), [...segments.slice(3), segment(6)]);
  },

  async "a checkpoint of the last commit, and what comes after it"(bench) {
    let journal = await bench.open();
    if (!bench.promises.checkpoints) return NO_CHECKPOINTS;
    const segments = chain(1, 3);
    await append(journal, NONE, segments);
    equal(await journal.writeCheckpoint(meta(3), stream([bytesOf(1, 100)])), true);
    equal(await journal.read(3, EVERYTHING), []);
    await refused(journal, NONE, [segment(1)], "as if it were empty");
    await refused(journal, segments[1], [segment(3)], "after the last but one");
    await append(journal, segments[2], [segment(4)]);
    journal = await bench.reopen(journal);
    equal(await journal.checkpoint(), meta(3));
    equal(await readCheckpoint(journal, meta(3)), bytesOf(1, 100));
    equal(await readAll(journal, 3), [segment(4)]);
  },

  async "a checkpoint may have no chunks, or many"(bench) {
    const journal = await bench.open();
    if (!bench.promises.checkpoints) return NO_CHECKPOINTS;
    await append(journal, NONE, chain(1, 2));
    equal(await journal.writeCheckpoint(meta(1), stream([])), true);
    equal(await readCheckpoint(journal, meta(1)), new Uint8Array(0));
    const chunks = Array.from({ length: 200 }, (_, i) => bytesOf(i, 1 + i));
    equal(await journal.writeCheckpoint(meta(2), stream(chunks)), true);
    equal(await readCheckpoint(journal, meta(2)), concat(chunks));
  },

  async "an older checkpoint does not take the place of a newer one"(bench) {
    const journal = await bench.open();
    if (!bench.promises.checkpoints) return NO_CHECKPOINTS;
    await append(journal, NONE, chain(1, 4));
    equal(await journal.writeCheckpoint(meta(3), stream([bytesOf(3, 10)])), true);
    equal(await journal.writeCheckpoint(meta(2), stream([bytesOf(2, 10)])), false);
    equal(await journal.writeCheckpoint(meta(3), stream([bytesOf(4, 10)])), false, "one of the same commit");
    equal(await journal.checkpoint(), meta(3));
    equal(await readCheckpoint(journal, meta(3)), bytesOf(3, 10));
    equal(await readAll(journal, 3), [segment(4)]);
  },

  async "a checkpoint that a newer one took the place of is gone, or whole"(bench) {
    const journal = await bench.open();
    if (!bench.promises.checkpoints) return NO_CHECKPOINTS;
    await append(journal, NONE, chain(1, 4));
    await journal.writeCheckpoint(meta(2), stream([bytesOf(2, 10)]));
    await journal.writeCheckpoint(meta(4), stream([bytesOf(4, 10)]));
    await gone(() => readCheckpoint(journal, meta(2)), bytesOf(2, 10));
    equal(await readCheckpoint(journal, meta(4)), bytesOf(4, 10));
  },

  async "a checkpoint whose chunks fail leaves what was there"(bench) {
    let journal = await bench.open();
    if (!bench.promises.checkpoints) return NO_CHECKPOINTS;
    const segments = chain(1, 4);
    await append(journal, NONE, segments);
    await journal.writeCheckpoint(meta(1), stream([bytesOf(1, 10)]));
    async function* failing() {
      yield bytesOf(2, 1 << 20);
      yield bytesOf(2, 1 << 20);
      throw broken;
    }
    const broken = new Error("no more chunks");
    const error = await fails(() => journal.writeCheckpoint(meta(3), failing()));
    ok(error === broken, `the error of the chunks is passed on, and not ${error}`);
    for (let i = 0; i < 2; i++) {
      equal(await journal.checkpoint(), meta(1));
      equal(await readCheckpoint(journal, meta(1)), bytesOf(1, 10));
      equal(await readAll(journal, 1), segments.slice(1));
      journal = await bench.reopen(journal);
    }
    equal(await journal.writeCheckpoint(meta(3), stream([bytesOf(3, 10)])), true, "the next one");
    equal(await readCheckpoint(journal, meta(3)), bytesOf(3, 10));
  },

  async "appends and reads go on while a checkpoint is written"(bench) {
    const journal = await bench.open();
    if (!bench.promises.checkpoints) return NO_CHECKPOINTS;
    const segments = chain(1, 4);
    await append(journal, NONE, segments.slice(0, 2));
    async function* chunks() {
      yield bytesOf(1, 1000);
      await append(journal, segments[1], [segments[2]]);
      yield bytesOf(2, 1000);
      equal(await journal.checkpoint(), undefined, "before its end");
      equal(await readAll(journal), segments.slice(0, 3));
      await append(journal, segments[2], [segments[3]]);
    }
    equal(await journal.writeCheckpoint(meta(2), chunks()), true);
    equal(await readCheckpoint(journal, meta(2)), concat([bytesOf(1, 1000), bytesOf(2, 1000)]));
    equal(await readAll(journal, 2), segments.slice(2));
  },
};

/** Appends one at a time, and where others were first, reads what they wrote and tries again; gives what was written. */
async function writeAtOthers(journal, salt, count) {
  const written = [];
  let tip = NONE;
  let times = 0;
  while (written.length < count) {
    const next = segment(tip.sequence + 1, 40, salt);
    if (await journal.append(tip, [next])) {
      written.push(next);
      tip = next;
    } else {
      const [last] = (await readAll(journal, tip.sequence)).slice(-1);
      ok(last !== undefined || ++times < 100, "appends are refused, and nobody else writes");
      tip = last ?? tip;
    }
  }
  return written;
}

async function append(journal, after, segments) {
  equal(await journal.append(tipOf(after), segments), true, `append after ${after.sequence}`);
}

async function refused(journal, after, segments, message) {
  equal(await journal.append(tipOf(after), segments), false, message);
}

const tipOf = ({ sequence, commit }) => (sequence === 0 ? NONE : { sequence, commit });

async function readAll(journal, after = 0, maxBytes = EVERYTHING) {
  const all = [];
  for (;;) {
    const last = all.at(-1)?.sequence ?? after;
    const read = await journal.read(last, maxBytes);
    if (read.length === 0) return all;
    // Or else it would go on for ever.
    ok(read[0].sequence > last, `a read after ${last} gives ${read[0].sequence}`);
    all.push(...read.map(({ sequence, commit, bytes }) => ({ sequence, commit, bytes })));
  }
}

async function readCheckpoint(journal, meta) {
  const chunks = [];
  for (let i = 0; ; i++) {
    const chunk = await journal.readCheckpoint(meta, i);
    if (chunk === undefined) return concat(chunks);
    chunks.push(chunk);
  }
}

/** A segment, always the same for the same arguments. The medium knows nothing of what is in it. */
function segment(sequence, size = 10 + sequence, salt = 0) {
  const commit = bytesOf(sequence * 31 + salt, CID_BYTES);
  commit.set([0x01, 0x71, 0x12, 0x20]);
  return { sequence, commit, bytes: bytesOf(sequence * 17 + salt, size) };
}

const chain = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => segment(first + i));

const meta = (sequence) => ({ sequence, commit: segment(sequence).commit, stateHash: bytesOf(sequence, HASH_BYTES) });

/** Bytes that look random. */
function bytesOf(seed, length) {
  const bytes = new Uint8Array(length);
  let state = seed + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

async function* stream(chunks) {
  yield* chunks;
}

function concat(chunks) {
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const fits = ({ promises }, size) => size <= (promises.maxAppend ?? Infinity) / 4;

function ok(value, message) {
  if (!value) throw new Error(message);
}

function equal(actual, expected, message = "") {
  if (!same(actual, expected)) throw new Error(`${message && `${message}: `}expected ${show(expected)}, got ${show(actual)}`);
}

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  const keys = Object.keys(b);
  return Array.isArray(a) === Array.isArray(b) && keys.length === Object.keys(a).length && keys.every((key) => same(a[key], b[key]));
}

function show(value) {
  const replacer = (_, part) => (part instanceof Uint8Array ? `${part.length} bytes: ${part.subarray(0, 40)}` : part);
  return (JSON.stringify(value, replacer) ?? String(value)).slice(0, 1000);
}

/** The call must fail; gives the error. */
async function fails(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("expected an error, got none");
}

async function rejects(call, code) {
  const error = await fails(call);
  ok(error?.code === code, `expected ${code}, got ${error?.stack ?? error}`);
}

/** What a checkpoint replaced may still be there; else it must say that it is gone. */
async function gone(read, expected) {
  try {
    equal(await read(), expected);
  } catch (error) {
    if (error?.code !== "ERR_COMPACTED") throw error;
  }
}

/** It must end, one way or another. */
async function settled(promise) {
  await promise.catch(() => {});
}
