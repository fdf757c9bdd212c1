import { ours } from "./attempt.js";
import { readCommit, readCommitInTurns } from "./commit.js";
import { nothing } from "./connection.js";
import { define } from "./define.js";
import { DagStoreError } from "./error.js";
import { readOptions } from "./options.js";
import { packed } from "./packed.js";
import { turn } from "./turn.js";
import { Work } from "./work.js";

/** After so many commits that were there already, others have their turn. */
const AT_ONCE = 256;

const OPTIONS = ["scopeId", "eventTypes", "only", "from", "signal"];
/** What wasm takes for `only`. */
const ONLY = { inserted: 1, removed: 2 };

/** How a store is asked for the number of its last commit, and for the next one; see `Call` in connection.js. */
export const SEQUENCE = { encode: nothing, ask: (store) => store.sequence(), read: (answer) => answer.u64() };
const NEXT = {
  waitsForOthers: true,
  encode: nothing,
  ask: (store, _, question, job) => store.nextCommit(question, job),
  read: readCommit,
  readInTurns: readCommitInTurns,
};

/**
 * The commits of a store, from one on. Nothing of it is in wasm but the one question that may be waiting there
 * for its answer; where it stands is a number.
 */
export class Watch {
  #connection;
  #options;
  #filter;
  #after;
  /** The number of the commit that it begins after. */
  #begun;
  /** The question that waits. */
  #work;
  /** Settles when the questions before are answered. */
  #last = Promise.resolve();
  #answered = 0;
  #isOver = false;

  constructor(connection, options) {
    this.#connection = connection;
    this.#begun = this.#begin(options);
    // Whoever asks for a commit is told of it.
    this.#begun.catch(nothing);
  }

  next() {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(nothing);
    return next;
  }

  async return() {
    this.#isOver = true;
    this.#work?.giveUp(new DagStoreError("ERR_ABORTED", "the watch has ended"));
    return over();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** Reads the options, and notes where it begins: now, unless they say where. */
  async #begin(given) {
    try {
      const options = (this.#options = readOptions(given, "options", OPTIONS));
      const from = options.count("from");
      const only = options.text("only");
      if (only !== undefined && !Object.hasOwn(ONLY, only)) options.fail("only", 'must be "inserted" or "removed"');
      this.#filter = [options.text("scopeId"), options.texts("eventTypes"), ONLY[only] ?? 0];
      options.signal("signal");
      if (from !== undefined) return Math.max(from - 1, 0);
    } catch (error) {
      throw ours(error);
    }
    return this.#connection.make(this.#connection, SEQUENCE);
  }

  async #next() {
    if (this.#isOver) return over();
    try {
      const value = await this.#ask();
      if (this.#isOver) return over();
      this.#after = value.sequence;
      return { done: false, value };
    } catch (error) {
      if (this.#isOver) return over();
      this.#isOver = true;
      throw error;
    } finally {
      this.#work = undefined;
    }
  }

  async #ask() {
    // What the options have wrong is told first.
    if (this.#filter === undefined) await this.#begun;
    const work = (this.#work = new Work(this.#options));
    this.#after ??= await work.run(() => work.wait(this.#begun));
    if (++this.#answered % AT_ONCE === 0) await work.run(() => work.wait(turn()));
    const question = packed([this.#after, this.#filter]);
    return this.#connection.makeFollowed(this.#connection, NEXT, question, work);
  }

  static {
    // Not every engine has the symbol.
    if (Symbol.asyncDispose) {
      define(this.prototype, Symbol.asyncDispose, async function () {
        await this.return();
      });
    }
  }
}

const over = () => ({ done: true, value: undefined });
