import { asBytes } from "./bytes.js";
import { DagStoreError } from "./error.js";
import { CID_BYTES } from "./id.js";

const HASH_BYTES = 32;

/** Errors that keep their meaning when a journal gives them; all others say that the storage has failed. */
const KEPT = new Set([
  "ERR_ABORTED",
  "ERR_CLOSED",
  "ERR_COMPACTED",
  "ERR_CONTENDED",
  "ERR_CORRUPT",
  "ERR_EVICTED",
  "ERR_INVALID_ARGUMENT",
  "ERR_LIMIT",
  "ERR_LOCKED",
  "ERR_NEEDS_REOPEN",
  "ERR_OUTCOME_UNKNOWN",
  "ERR_QUOTA",
  "ERR_STORAGE",
  "ERR_UNSUPPORTED_VERSION",
]);

/** How each question of wasm is put to a journal, by the number that `journal.rs` gives it. What comes back is tame. */
const QUESTIONS = [
  async function append(journal, [sequence, commit, ...rest]) {
    const segments = [];
    for (let at = 0; at < rest.length; at += 3) segments.push({ sequence: rest[at], commit: rest[at + 1], bytes: rest[at + 2] });
    const isWritten = await journal.append(commit === undefined ? { sequence } : { sequence, commit }, segments);
    return typeof isWritten === "boolean" ? isWritten : wrong("append gives true or false");
  },
  async function read(journal, [after, maxBytes]) {
    const segments = await journal.read(after, maxBytes);
    if (!Array.isArray(segments)) wrong("read gives an array");
    return Array.from(segments, ({ sequence, commit, bytes }) => [count(sequence), sized(commit, CID_BYTES), someBytes(bytes)]).flat();
  },
  changed,
  async function checkpoint(journal) {
    const found = await journal.checkpoint?.();
    if (found === undefined || found === null) return undefined;
    const { sequence, commit, stateHash } = found;
    return [count(sequence), sized(commit, CID_BYTES), sized(stateHash, HASH_BYTES)];
  },
  async function readCheckpoint(journal, [sequence, commit, stateHash, part]) {
    const bytes = await journal.readCheckpoint({ sequence, commit, stateHash }, part);
    return bytes === undefined || bytes === null ? undefined : someBytes(bytes);
  },
  async function writeCheckpoint(journal, [sequence, commit, stateHash], { parts }) {
    const isWritten = await journal.writeCheckpoint({ sequence, commit, stateHash }, parts.all());
    return typeof isWritten === "boolean" ? isWritten : wrong("writeCheckpoint gives true or false");
  },
  async function status(journal) {
    const { bytesUsed, bytesCut } = await statusOf(journal);
    return [bytesUsed, bytesCut ?? 0];
  },
  async function close(journal) {
    await journal.close();
  },
];
const [APPEND] = QUESTIONS;
const CLOSE = QUESTIONS.at(-1);

async function changed(journal, [after], { signal }) {
  await journal.changed(after, signal);
}

/**
 * A caller's journal, which may be anything: what it throws and gives is read here, before it enters wasm. Its methods
 * are called when no wasm is on the stack.
 */
export class JournalHost {
  /** What it promises, once it is open. */
  promises;
  #journal;
  #instance;
  /** What ends those who wait for others' commits. */
  #watching = new Set();
  /** What fails the questions that are not answered yet. */
  #unanswered = new Set();

  constructor(journal) {
    const methods = ["open", "append", "read", "close"];
    if (Object(journal) !== journal || !methods.every((name) => typeof journal[name] === "function")) {
      const message = `options.journal must be a journal: an object with the methods ${methods.join(", ")}`;
      throw new DagStoreError("ERR_INVALID_ARGUMENT", message);
    }
    this.#journal = journal;
  }

  /** Opens the journal; what asks it enters this instance of the wasm. */
  async open(instance) {
    this.#instance = instance;
    try {
      this.promises = readPromises(await this.#journal.open(), this.#journal);
    } catch (error) {
      await this.abandon();
      throw told(error);
    }
    return this.promises;
  }

  /** The function that wasm asks by. It gives another one, by which wasm tells more, or calls the question off. */
  get ask() {
    return (what, subject, asked) => {
      const question = QUESTIONS[what];
      const controller = new AbortController();
      const parts = new Parts(() => this.#instance.quietly(() => asked.want()));
      const settle = (enter) => {
        if (!this.#unanswered.delete(fail)) return;
        this.#watching.delete(controller);
        this.#instance.quietly(enter);
        this.#instance.free(asked);
      };
      const fail = (error) => settle(() => asked.fail(...inWords(error, question === APPEND)));
      this.#unanswered.add(fail);
      if (question === changed) this.#watching.add(controller);
      if (question === CLOSE) this.#endWatching();
      Promise.resolve()
        .then(() => question(this.#journal, subject, { signal: controller.signal, parts }))
        .then((value) => settle(() => asked.answer(value)), fail);
      return (told) => (told === undefined ? controller.abort() : parts.give(told));
    };
  }

  /** Waits until there may be a commit after this number. */
  async changed(after, signal) {
    const controller = new AbortController();
    this.#watching.add(controller);
    const abort = () => controller.abort();
    signal.addEventListener("abort", abort);
    try {
      await changed(this.#journal, [after], controller);
    } catch (error) {
      throw told(error);
    } finally {
      // The signal may outlive many of these.
      signal.removeEventListener("abort", abort);
      this.#watching.delete(controller);
    }
  }

  async status() {
    try {
      return await statusOf(this.#journal);
    } catch (error) {
      throw told(error);
    }
  }

  /** Fails whatever is not answered yet. */
  giveUp(reason) {
    this.#endWatching();
    for (const fail of this.#unanswered) fail(reason);
  }

  /** Closes the journal where nobody will ask for that any more. */
  async abandon() {
    this.#endWatching();
    try {
      await this.#journal.close();
    } catch {
      // What went wrong first is what matters.
    }
  }

  #endWatching() {
    for (const controller of this.#watching) controller.abort();
    this.#watching.clear();
  }
}

/** The parts of a checkpoint, which wasm makes one by one as they are asked for. */
class Parts {
  #want;
  #waiting;

  constructor(want) {
    this.#want = want;
  }

  /** Takes a part; null for the end, false where the next can't be made. */
  give(part) {
    const { resolve, reject } = this.#waiting ?? {};
    this.#waiting = undefined;
    if (part === false) reject?.(new DagStoreError("ERR_STORAGE", "the store could not make the next part"));
    else resolve?.(part);
  }

  async *all() {
    for (;;) {
      const part = await new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
        this.#want();
      });
      if (part === null) return;
      yield part;
    }
  }
}

function readPromises(given, journal) {
  const { durability, writers, watch, checkpoints, maxAppend } = given ?? {};
  const has = (...names) => names.every((name) => typeof journal[name] === "function");
  const isRight =
    ["strict", "relaxed"].includes(durability) &&
    ["one", "many"].includes(writers) &&
    (watch === false || (watch === true && has("changed"))) &&
    (checkpoints === false || (checkpoints === true && has("checkpoint", "readCheckpoint", "writeCheckpoint"))) &&
    (maxAppend === undefined || (Number.isSafeInteger(maxAppend) && maxAppend > 0));
  if (!isRight) {
    const message = "what the journal promises can't be read, or it lacks a method for it; see `JournalPromises`";
    throw new DagStoreError("ERR_INVALID_ARGUMENT", message);
  }
  const promises = { durability, writers, watch, checkpoints };
  return Object.freeze(maxAppend === undefined ? promises : { ...promises, maxAppend });
}

async function statusOf(journal) {
  const { bytesUsed, bytesQuota, bytesCut, persisted } = (await journal.status?.()) ?? {};
  const counts = Object.entries({ bytesUsed, bytesQuota, bytesCut }).map(([name, value]) => [name, value && count(value)]);
  const known = [...counts, ["persisted", persisted && persisted === true]].filter(([, value]) => value !== undefined);
  return Object.fromEntries(known);
}

/** Our error for what a journal has thrown. */
function told(error) {
  const [code, message] = inWords(error);
  return new DagStoreError(code, message, { cause: error });
}

/** The code, the message, and the error beneath, in words. */
function inWords(error, isDoubtful = false) {
  try {
    if (error instanceof DagStoreError && KEPT.has(error.code)) {
      return [error.code, String(error.message), error.cause === undefined ? undefined : text(error.cause)];
    }
  } catch {
    // Not even its class can be asked for.
  }
  // Only a journal that says so has surely written nothing.
  const code = isDoubtful ? "ERR_OUTCOME_UNKNOWN" : "ERR_STORAGE";
  return [code, "the journal failed, without an error of its own that says how", text(error)];
}

function text(error) {
  try {
    return String(error?.stack === undefined ? error : `${error.name}: ${error.message}`);
  } catch {
    return "something that can't be put into words";
  }
}

function count(value) {
  return Number.isSafeInteger(value) && value >= 0 ? value : wrong("counts are whole numbers");
}

function someBytes(value) {
  return asBytes(value) ?? wrong("bytes are a Uint8Array");
}

function sized(value, length) {
  const bytes = someBytes(value);
  return bytes.length === length ? bytes : wrong(`there are ${length} bytes of it`);
}

function wrong(what) {
  throw new TypeError(`the journal gave something else than it must: ${what}`);
}
