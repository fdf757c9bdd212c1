import { attempt, nothing } from "./connection.js";
import { readCommit, readCommitOptions } from "./commit.js";
import { DagStoreError } from "./error.js";
import { encodeBlock, encodeId, encodeIds, encodeNode, encodeNodes } from "./record.js";

/** What a batch can be asked; see `Call` in connection.js. */
const readCid = (answer) => answer.cid();
const insert = (batch, length) => batch.insert(length);
const remove = (batch, length) => batch.remove(length);
const INSERT = { encode: encodeNode, ask: insert, read: readCid };
const INSERT_BLOCK = { encode: encodeBlock, ask: insert, read: readCid };
const INSERT_MANY = {
  encode: encodeNodes,
  ask: (batch, taken) => batch.insertMany(taken),
  read: (answer) => answer.cids(),
};
const REMOVE = { encode: encodeId, ask: remove, read: nothing };
const REMOVE_MANY = { encode: encodeIds, ask: remove, read: nothing };
const GET = {
  encode: encodeId,
  ask: (batch, length) => batch.get(length),
  read: (answer) => answer.node(),
};
const COMMIT = { encode: nothing, ask: (batch, _, how) => batch.commit(how), read: readCommit };

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
  #connection;
  #batch;

  constructor(connection, batch) {
    this.#connection = connection;
    this.#batch = batch;
    connection.adopt(this);
  }

  get connection() {
    return this.#connection;
  }

  get wasm() {
    this.assertOpen();
    return this.#batch;
  }

  assertOpen() {
    if (this.#batch !== undefined && !this.#connection.closed) return;
    const message = "the batch was committed or rolled back, or its store was closed";
    throw new DagStoreError("ERR_BATCH_CLOSED", message);
  }

  /** Frees it. What a commit has taken out goes on; everything else is rolled back. */
  free() {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    this.#connection.release(this);
    this.#connection.free(batch);
  }
}

export class Batch {
  #staging;

  constructor(key, staging) {
    if (key !== KEY) throw new TypeError("a Batch comes from store.beginBatch()");
    this.#staging = staging;
    lost?.register(this, staging, staging);
  }

  insert(node) {
    return this.#make(INSERT, node);
  }

  insertBlock(block) {
    return this.#make(INSERT_BLOCK, block);
  }

  insertMany(nodes) {
    return this.#staging.connection.makeBulk(this.#staging, INSERT_MANY, nodes);
  }

  remove(id) {
    return this.#make(REMOVE, id);
  }

  removeMany(ids) {
    return this.#make(REMOVE_MANY, ids);
  }

  get(id) {
    return this.#make(GET, id);
  }

  commit(options) {
    return attempt(() => {
      this.#staging.assertOpen();
      const committed = this.#make(COMMIT, readCommitOptions(options));
      // Either way it is closed now: the commit has taken what was staged.
      this.free();
      return committed;
    });
  }

  rollback() {
    return attempt(() => this.free());
  }

  free() {
    lost?.unregister(this.#staging);
    this.#staging.free();
  }

  #make(call, subject) {
    return this.#staging.connection.make(this.#staging, call, subject);
  }

  static {
    // Not every engine has the symbols.
    if (Symbol.dispose) define(this, Symbol.dispose, this.prototype.free);
    if (Symbol.asyncDispose) define(this, Symbol.asyncDispose, this.prototype.rollback);
  }
}

function define(type, symbol, value) {
  Object.defineProperty(type.prototype, symbol, { value, writable: true, configurable: true });
}
