import { beginBatch } from "./batch.js";
import { readCommit, readCommitOptions } from "./commit.js";
import { Connection, attempt, nothing } from "./connection.js";
import { readLimits } from "./limits.js";
import { List } from "./list.js";
import { readOptions } from "./options.js";
import { encodeBlock, encodeId, encodeIds, encodeNode, encodeNodes } from "./record.js";

const readCid = (answer) => answer.cid();
const readFlag = (answer) => answer.u8() === 1;
const readNode = (answer) => answer.node();

/** What a store can be asked; see `Call` in connection.js. */
const insert = (store, length) => store.insert(length);
const INSERT = { encode: encodeNode, ask: insert, read: readCid };
const INSERT_BLOCK = { encode: encodeBlock, ask: insert, read: readCid };
const INSERT_MANY = {
  encode: (encoder, { nodes }, limits) => encodeNodes(encoder, nodes, limits),
  ask: (store, taken, { how }) => store.insertMany(taken, how),
  read: readCommit,
};
const REMOVE = { encode: encodeId, ask: (store, length) => store.remove(length), read: readFlag };
const GET = { encode: encodeId, ask: (store, length) => store.get(length), read: readNode };
const GET_BLOCK = { ...GET, read: (answer) => answer.block() };
const GET_MANY = {
  encode: encodeIds,
  ask: (store, length) => store.getMany(length),
  read: (answer) => answer.list(readNode),
};
const HAS = { encode: encodeId, ask: (store, length) => store.has(length), read: readFlag };
const SIZE = {
  encode: nothing,
  ask: (store, _, scopeId) => store.size(scopeId),
  read: (answer) => answer.u64(),
};
const HEADS = {
  encode: nothing,
  ask: (store, _, scopeId) => store.heads(scopeId),
  read: (answer) => answer.cids(),
};
const STATE_HASH = {
  encode: nothing,
  ask: (store, _, scopeId) => store.stateHash(scopeId),
  read: (answer) => answer.string(),
};
const VERIFY = {
  encode: nothing,
  ask: (store) => store.verify(),
  read: (answer) => ({ nodes: answer.u64(), links: answer.u64(), stateHash: answer.string() }),
};

export class DagStore {
  #connection;

  constructor(options) {
    const limits = readOptions(options, "options", ["limits"]).get("limits");
    this.#connection = new Connection(readLimits(limits));
  }

  insert(node) {
    return this.#make(INSERT, node);
  }

  insertBlock(block) {
    return this.#make(INSERT_BLOCK, block);
  }

  insertMany(nodes, options) {
    return attempt(() => {
      const how = readCommitOptions(options);
      return this.#connection.makeBulk(this.#connection, INSERT_MANY, { nodes, how });
    });
  }

  remove(id) {
    return this.#make(REMOVE, id);
  }

  get(id) {
    return this.#make(GET, id);
  }

  getMany(ids) {
    return this.#make(GET_MANY, ids);
  }

  getBlock(id) {
    return this.#make(GET_BLOCK, id);
  }

  has(id) {
    return this.#make(HAS, id);
  }

  list(options) {
    return new List(this.#connection, options);
  }

  size(options) {
    return this.#makeForScope(SIZE, options);
  }

  heads(options) {
    return this.#makeForScope(HEADS, options);
  }

  stateHash(options) {
    return this.#makeForScope(STATE_HASH, options);
  }

  verify() {
    return this.#make(VERIFY);
  }

  beginBatch() {
    return beginBatch(this.#connection);
  }

  close() {
    return this.#connection.close();
  }

  #make(call, subject) {
    return this.#connection.make(this.#connection, call, subject);
  }

  #makeForScope(call, options) {
    return attempt(() => this.#make(call, readOptions(options, "options", ["scopeId"]).text("scopeId")));
  }

  static {
    // Not every engine has the symbol.
    if (Symbol.asyncDispose) {
      const property = { value: this.prototype.close, writable: true, configurable: true };
      Object.defineProperty(this.prototype, Symbol.asyncDispose, property);
    }
  }
}
