import { attempt, detached } from "./attempt.js";
import { readCommit, readCommitInTurns, readCommitOptions } from "./commit.js";
import { nothing } from "./connection.js";
import { define } from "./define.js";
import { DagStoreError } from "./error.js";
import { takeNodes } from "./intake.js";
import { Lane } from "./lane.js";
import { encodeBlock, encodeId, encodeIds, encodeNode } from "./record.js";
import { inOneGo, inTurns } from "./turn.js";
import { readWork } from "./work.js";

/** What a batch can be asked; see `Call` in connection.js. */
const readCid = (answer) => answer.cid();
const insert = (batch, length) => batch.insert(length);
const remove = (batch, length) => batch.remove(length);
const INSERT = { encode: encodeNode, ask: insert, read: readCid };
const INSERT_BLOCK = { encode: encodeBlock, ask: insert, read: readCid };
const INSERT_MANY = {
  take: takeNodes,
  begin: (batch) => batch.nodes(),
  ask: (batch, taken, _, job) => batch.insertMany(taken, job),
  read: (answer) => inOneGo(answer.manyCids()),
  readInTurns: (answer) => inTurns(answer.manyCids()),
};
const REMOVE = { encode: encodeId, ask: remove, read: nothing };
const REMOVE_MANY = { encode: encodeIds, ask: remove, read: nothing };
const GET = {
  encode: encodeId,
  ask: (batch, length) => batch.get(length),
  read: (answer) => answer.node(),
};
const COMMIT = {
  encode: nothing,
  ask: (batch, _, how, job) => batch.commit(how, job),
  read: readCommit,
  readInTurns: readCommitInTurns,
};

/** What only this package can make a batch with. */
const KEY = Symbol("Batch");

/** Rolls back the batches that nobody holds any more, in engines that tell. */
const lost =
  typeof FinalizationRegistry === "undefined"
    ? undefined
    : new FinalizationRegistry((staging) => staging.free());

/** Begins a batch. */
export function beginBatch(connection) {
  return connection
    .create((store) => store.beginBatch())
    .then((batch) => new Batch(KEY, new Staging(connection, batch)));
}

/** What is staged in wasm. It outlives the batch that was lost, for as long as it takes to free it. */
class Staging {
  lane = new Lane();
  works = new Set();
  #connection;
  #batch;
  /** Whether it is being committed, so that nothing is staged any more and nothing freed. */
  #isSealed = false;

  constructor(connection, batch) {
    this.#connection = connection;
    this.#batch = batch;
    connection.adopt(this);
  }

  get connection() {
    return this.#connection;
  }

  get wasm() {
    if (this.#batch === undefined) throw this.closedError();
    return this.#batch;
  }

  assertOpen() {
    if (this.#batch === undefined || this.#isSealed || this.#connection.closed) throw this.closedError();
  }

  closedError() {
    const message = "the batch was committed or rolled back, or its store was closed";
    return new DagStoreError("ERR_BATCH_CLOSED", message);
  }

  /** Commits it. Whatever comes of that, it is closed from now on. */
  commit({ how, work }) {
    const connection = this.#connection;
    const committed =
      work.isFollowed || !this.lane.isFree
        ? connection.commit(this, COMMIT, how, work)
        : connection.make(this, COMMIT, how, connection.lane);
    this.#isSealed = true;
    return committed.finally(() => this.#drop());
  }

  /** Rolls it back, unless it is being committed. */
  free() {
    if (this.#isSealed) return;
    for (const work of this.works) work.giveUp(this.closedError());
    this.#drop();
  }

  #drop() {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    this.#connection.release(this);
    this.#connection.free(batch);
  }
}

/** What is staged in what must be a batch: a method may have been taken off it. */
let stagingOf;

export class Batch {
  #staging;

  constructor(key, staging) {
    if (key !== KEY) throw new TypeError("a Batch comes from store.beginBatch()");
    this.#staging = staging;
    lost?.register(this, staging, staging);
  }

  insert(node) {
    return make(this, INSERT, node);
  }

  insertBlock(block) {
    return make(this, INSERT_BLOCK, block);
  }

  insertMany(nodes, options) {
    return attempt(() => {
      const work = readWork(options);
      work.holder = this;
      const staging = stagingOf(this);
      return staging.connection.makeWithMuch(staging, INSERT_MANY, { nodes }, work);
    });
  }

  remove(id) {
    return make(this, REMOVE, id);
  }

  removeMany(ids) {
    return make(this, REMOVE_MANY, ids);
  }

  get(id) {
    return make(this, GET, id);
  }

  commit(options) {
    return attempt(() => {
      const staging = stagingOf(this);
      staging.assertOpen();
      const committed = staging.commit(readCommitOptions(options));
      lost?.unregister(staging);
      return committed;
    });
  }

  rollback() {
    return attempt(() => Batch.prototype.free.call(this));
  }

  free() {
    const staging = stagingOf(this);
    lost?.unregister(staging);
    staging.free();
  }

  static {
    stagingOf = (batch) => {
      if (Object(batch) === batch && #staging in batch) return batch.#staging;
      throw detached("batch");
    };
    // Not every engine has the symbols.
    if (Symbol.dispose) define(this.prototype, Symbol.dispose, this.prototype.free);
    if (Symbol.asyncDispose) define(this.prototype, Symbol.asyncDispose, this.prototype.rollback);
  }
}

function make(batch, call, subject) {
  try {
    const staging = stagingOf(batch);
    return staging.connection.make(staging, call, subject, staging.lane);
  } catch (error) {
    return Promise.reject(error);
  }
}
