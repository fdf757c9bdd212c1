import { attempt, detached, ours } from "./attempt.js";
import { beginBatch } from "./batch.js";
import { asBytes } from "./bytes.js";
import { HAS, SIZE, STATE_HASH, VERIFY, readFlag } from "./calls.js";
import { CarExport, takeCar } from "./car.js";
import {
  readCommit,
  readCommitId,
  readCommitInTurns,
  readCommitOptions,
  readImported,
  readImportedInTurns,
} from "./commit.js";
import { Connection, nothing } from "./connection.js";
import { copyTo } from "./copy.js";
import { define } from "./define.js";
import { DagStoreError } from "./error.js";
import * as graph from "./graph.js";
import { takeNodes } from "./intake.js";
import { JournalHost } from "./journal.js";
import { readLimits } from "./limits.js";
import { List } from "./list.js";
import { readOptions } from "./options.js";
import { packed } from "./packed.js";
import { compare, count, scopes } from "./queries.js";
import { encodeBlock, encodeId, encodeNode } from "./record.js";
import * as walk from "./walk.js";
import { SEQUENCE, Watch } from "./watch.js";
import { WORK_OPTIONS, Work, readWork } from "./work.js";

const readCid = (answer) => answer.cid();
const readNode = (answer) => answer.node();

/** What a store can be asked; see `Call` in connection.js. */
const insert = (store, length) => store.insert(length);
const INSERT = { encode: encodeNode, ask: insert, read: readCid };
const INSERT_BLOCK = { encode: encodeBlock, ask: insert, read: readCid };
const INSERT_MANY = {
  take: takeNodes,
  begin: (store) => store.nodes(),
  ask: (store, taken, { how }, job) => store.insertMany(taken, how, job),
  read: readCommit,
  readInTurns: readCommitInTurns,
};
const IMPORT_CAR = {
  take: ({ car }) => takeCar(car),
  begin: (store) => store.carImport(),
  ask: (store, taken, { how }, job) => store.importCar(taken, how, job),
  read: readImported,
  readInTurns: readImportedInTurns,
};
const REMOVE = { encode: encodeId, ask: (store, length) => store.remove(length), read: readFlag };
const GET = { encode: encodeId, ask: (store, length) => store.get(length), read: readNode };
const GET_BLOCK = { ...GET, read: (answer) => answer.block() };
const GET_MANY = {
  ask: (store, length) => store.getMany(length),
  read: (answer) => answer.list(readNode),
};
const HEADS = {
  encode: nothing,
  ask: (store, _, scopeId) => store.heads(scopeId),
  read: (answer) => answer.cids(),
};
const readProof = (answer) => ({ stateHash: answer.string(), proof: answer.take(answer.u32()) });
const PROVE = { encode: encodeId, ask: (store, length) => store.prove(length), read: readProof };
const PROVE_ABSENT = { encode: encodeNode, ask: (store, length) => store.proveAbsent(length), read: readProof };
const PROVE_BLOCK_ABSENT = { ...PROVE_ABSENT, encode: encodeBlock };
const PROVE_RANGE = { encode: nothing, ask: (store, _, range) => store.proveRange(range), read: readProof };

const HAS_COMMIT = { encode: nothing, ask: (store, _, id) => store.hasCommit(id), read: readFlag };
const CHECKPOINT = { encode: nothing, ask: (store, _, __, job) => store.checkpoint(job), read: readFlag };

/** The way into wasm of what must be a store: a method may have been taken off it. */
let connectionOf;

export class DagStore {
  #connection;

  constructor(options) {
    try {
      const limits = readOptions(options, "options", ["limits"]).get("limits");
      this.#connection = new Connection(readLimits(limits));
    } catch (error) {
      throw ours(error);
    }
  }

  static open(options) {
    return attempt(async () => {
      const { store, host, work } = readOpening(options);
      await connectionOf(store).openOn(host, work);
      return store;
    });
  }

  static recover(options) {
    return attempt(async () => {
      const { store, host, work } = readOpening(options);
      return { store, ...(await connectionOf(store).recoverFrom(host, work)) };
    });
  }

  get opened() {
    return connectionOf(this).opened;
  }

  insert(node) {
    return write(this, INSERT, node);
  }

  insertBlock(block) {
    return write(this, INSERT_BLOCK, block);
  }

  insertMany(nodes, options) {
    return attempt(() => {
      const { how, work } = readCommitOptions(options);
      const connection = connectionOf(this);
      return connection.makeWithMuch(connection, INSERT_MANY, { nodes, how }, work);
    });
  }

  importCar(car, options) {
    return attempt(() => {
      const { how, work } = readCommitOptions(options);
      const connection = connectionOf(this);
      return connection.makeWithMuch(connection, IMPORT_CAR, { car, how }, work);
    });
  }

  exportCar(options) {
    return new CarExport(connectionOf(this), options);
  }

  remove(id) {
    return write(this, REMOVE, id);
  }

  get(id) {
    return read(this, GET, id);
  }

  getMany(ids, options) {
    return attempt(() => {
      const connection = connectionOf(this);
      return connection.holdOpen(connection.makeWithIds(GET_MANY, ids, readWork(options)));
    });
  }

  getBlock(id) {
    return read(this, GET_BLOCK, id);
  }

  has(id) {
    return read(this, HAS, id);
  }

  list(options) {
    return new List(connectionOf(this), options);
  }

  watch(options) {
    return new Watch(connectionOf(this), options);
  }

  sequence() {
    return read(this, SEQUENCE);
  }

  size(options) {
    return attempt(() => read(this, SIZE, scopeOf(readOptions(options, "options", ["scopeId"]))));
  }

  count(options) {
    return attempt(() => count(connectionOf(this), options));
  }

  scopes(options) {
    return attempt(() => scopes(connectionOf(this), options));
  }

  heads(options) {
    return attempt(() => read(this, HEADS, scopeOf(readOptions(options, "options", ["scopeId"]))));
  }

  roots(options) {
    return attempt(() => graph.roots(connectionOf(this), options));
  }

  parents(id) {
    return attempt(() => graph.parents(connectionOf(this), id));
  }

  children(id) {
    return attempt(() => graph.children(connectionOf(this), id));
  }

  ancestors(ids, options) {
    return walk.ancestors(connectionOf(this), ids, options);
  }

  descendants(ids, options) {
    return walk.descendants(connectionOf(this), ids, options);
  }

  topological(options) {
    return walk.topological(connectionOf(this), options);
  }

  diff(left, right, options) {
    return walk.diff(connectionOf(this), left, right, options);
  }

  isAncestor(ancestor, descendant, options) {
    return attempt(() => graph.isAncestor(connectionOf(this), ancestor, descendant, options));
  }

  mergeBases(ids, options) {
    return attempt(() => graph.mergeBases(connectionOf(this), ids, options));
  }

  path(from, to, options) {
    return attempt(() => graph.path(connectionOf(this), from, to, options));
  }

  stateHash(options) {
    return attempt(() => {
      const read = readOptions(options, "options", ["scopeId", ...WORK_OPTIONS]);
      return follow(this, STATE_HASH, scopeOf(read), new Work(read));
    });
  }

  prove(id) {
    return read(this, PROVE, id);
  }

  proveAbsent(node) {
    return attempt(() => read(this, asBytes(node) === undefined ? PROVE_ABSENT : PROVE_BLOCK_ABSENT, node));
  }

  proveRange(range) {
    return attempt(() => {
      const connection = connectionOf(this);
      const options = readOptions(range, "range", ["scopeId", "since", "until"]);
      const [since, until] = [options.count("since"), options.count("until")];
      const scopeId = scopeOf(options) ?? options.fail("scopeId", "is missing: a range is of one scope");
      return connection.make(connection, PROVE_RANGE, packed([scopeId, since, until]));
    });
  }

  compare(other, options) {
    return attempt(() => compare(connectionOf(this), otherConnection(other, "compare"), options));
  }

  copyTo(other, options) {
    return attempt(() => copyTo(connectionOf(this), otherConnection(other, "copyTo"), options));
  }

  verify(options) {
    return attempt(() => connectionOf(this).holdOpen(follow(this, VERIFY, undefined, readWork(options))));
  }

  status() {
    return attempt(async () => {
      const connection = connectionOf(this);
      const { host, opened } = connection;
      const sequence = await connection.sequence();
      if (host === undefined) return { sequence };
      return { sequence, opened, promises: host.promises, medium: await host.status() };
    });
  }

  refresh() {
    return attempt(() => connectionOf(this).refresh());
  }

  changed(options) {
    return attempt(() => connectionOf(this).changed(new Work(readOptions(options, "options", ["signal"]))));
  }

  hasCommit(id) {
    return attempt(() => {
      const connection = connectionOf(this);
      return connection.make(connection, HAS_COMMIT, readCommitId(id));
    });
  }

  checkpoint(options) {
    return attempt(() => connectionOf(this).holdOpen(follow(this, CHECKPOINT, undefined, readWork(options))));
  }

  beginBatch() {
    return attempt(() => beginBatch(connectionOf(this)));
  }

  close() {
    return attempt(() => connectionOf(this).close());
  }

  static {
    connectionOf = (store) => {
      if (Object(store) === store && #connection in store) return store.#connection;
      throw detached("store");
    };
    // Not every engine has the symbol.
    if (Symbol.asyncDispose) define(this.prototype, Symbol.asyncDispose, this.prototype.close);
  }
}

/** The way into wasm of a store that was handed over. */
function otherConnection(other, call) {
  try {
    return connectionOf(other);
  } catch {
    throw new DagStoreError("ERR_INVALID_ARGUMENT", `${call} takes a DagStore of this copy of the package, and this is none`);
  }
}

/** Reads the options of what opens a journal, and makes the store for it. */
function readOpening(given) {
  const options = readOptions(given, "options", ["journal", "limits", ...WORK_OPTIONS]);
  const work = new Work(options);
  const store = new DagStore({ limits: options.get("limits") });
  return { store, host: new JournalHost(options.get("journal")), work };
}

const scopeOf = (options) => options.text("scopeId");

function read(store, call, subject) {
  try {
    const connection = connectionOf(store);
    return connection.make(connection, call, subject);
  } catch (error) {
    return Promise.reject(error);
  }
}

function write(store, call, subject) {
  try {
    const connection = connectionOf(store);
    return connection.make(connection, call, subject, connection.lane);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Reads what may take long. */
function follow(store, call, subject, work) {
  if (!work.isFollowed) return read(store, call, subject);
  const connection = connectionOf(store);
  return connection.makeFollowed(connection, call, subject, work);
}
