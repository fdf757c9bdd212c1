// The golden trace: a thousand operations on one store, and what is in it after each. They are made up
// from a seed, and their outcomes found by a model of the store that is slow and obvious.

import { seal } from './node.mjs';
import { stateHash } from './state-hash.mjs';

const OPERATIONS = 1000;
const SEED = 20250101;

const TYPES = ['genesis', 'proposal', 'vote', 'execution', 'attestation', 'receipt', 'anchor', 'my own type', '投票', 't'.repeat(65)];
const SCOPES = ['garden', 'workshop', 'küche', '図書館', '🗳️ assembly', '__proto__'];
const LINKS = [
  'bafkreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua',
  'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n',
];
const TEXTS = ['plant the beans', 'Straßenfest, 8 € Eintritt', '我们同意', 'نعم', 'да, но не сегодня', 'é is not e\u0301', '👩‍🌾🌱', '\0 \uffff \u{10ffff}', ''];

/** A generator of numbers (SplitMix32), the same for the same seed. */
function randomFrom(seed) {
  let state = seed;
  return (end) => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % end;
  };
}

/** What a store must do, by the rules of the specification and of the design; nodes are told by number. */
class Model {
  /** The numbers of the nodes that are there, in insertion order. */
  order = [];
  #sequence = 0;
  #nodes;

  constructor(nodes) {
    this.#nodes = nodes;
  }

  has(number) {
    return this.order.includes(number);
  }

  childrenOf(number) {
    return this.order.filter((other) => this.#nodes[other].parents.includes(number));
  }

  heads(scope) {
    const within = (number) => scope === undefined || this.#nodes[number].scope_id === scope;
    return this.order.filter((number) => within(number) && !this.childrenOf(number).some(within));
  }

  size(scope) {
    return this.order.filter((number) => scope === undefined || this.#nodes[number].scope_id === scope).length;
  }

  /** The hash of the store, and those of these scopes. */
  hashes(scopes) {
    const { state, scopes: found } = stateHash(this.order.map((number) => this.#nodes[number].leaf), scopes);
    const hashOf = (scope) => found.find(({ id }) => id === scope).hash.toString('hex');
    return { state: state.toString('hex'), scopes: scopes.map(hashOf) };
  }

  /** Commits operations, each `[inserts, number]`; gives the commit, or the code of the error. */
  commit(operations, conditions = []) {
    const staged = new Map();
    for (const [inserts, number] of operations) {
      if (staged.get(number) === inserts) continue;
      staged.delete(number);
      staged.set(number, inserts);
    }
    if (!conditions.every((condition) => this.#holds(condition))) return 'ERR_CONDITION_FAILED';

    const removed = [...staged].filter(([number, inserts]) => !inserts && this.has(number)).map(([number]) => number);
    const leavesChild = (number) => this.childrenOf(number).some((child) => !removed.includes(child));
    if (removed.some(leavesChild)) return 'ERR_HAS_CHILDREN';

    let waiting = [...staged].filter(([number, inserts]) => inserts && !this.has(number)).map(([number]) => number);
    const order = this.order.filter((number) => !removed.includes(number));
    const inserted = [];
    while (waiting.length > 0) {
      const ready = waiting.find((number) => this.#nodes[number].parents.every((parent) => order.includes(parent)));
      if (ready === undefined) return 'ERR_MISSING_PARENT';
      waiting = waiting.filter((number) => number !== ready);
      order.push(ready);
      inserted.push(ready);
    }
    this.order = order;
    if (inserted.length > 0 || removed.length > 0) this.#sequence += 1;
    return { sequence: this.#sequence, inserted, removed };
  }

  #holds({ heads, scope_id: scope, state_hash: hash, absent }) {
    if (heads !== undefined) return String([...heads].sort()) === String(this.heads(scope).sort());
    return hash === undefined ? !this.has(absent) : hash === this.hashes([]).state;
  }
}

/** Makes up the trace. */
class Author {
  nodes = [];
  operations = [];
  #sealed = [];
  #random = randomFrom(SEED);
  #state;
  #model = new Model(this.#sealed);

  write() {
    while (this.operations.length < OPERATIONS) this.#operation();
    return { nodes: this.nodes, operations: this.operations };
  }

  #operation() {
    const roll = this.#random(100);
    if (this.operations.length % 111 === 110) this.#replay();
    else if (this.operations.length % 100 === 99) this.#look();
    else if (roll < 24) this.#insert('insert');
    else if (roll < 28) this.#insert('insert_block');
    else if (roll < 43) this.#insertMany();
    else if (roll < 60) this.#remove();
    else this.#batch();
  }

  #insert(kind) {
    // Now and then one that is there already, or was there once.
    const number = this.#oneIn(8) ? this.#any() : this.#newNode();
    this.#record({ do: kind, node: number }, errorOf(this.#model.commit([[true, number]])));
  }

  #insertMany() {
    const numbers = this.#newNodes(1 + this.#random(3));
    if (this.#oneIn(4)) numbers.push(this.#any());
    const conditions = this.#oneIn(3) ? this.#conditions() : [];
    const outcome = this.#model.commit(numbers.map((number) => [true, number]), conditions);
    this.#record({ do: 'insert_many', nodes: numbers, ...(conditions.length > 0 && { conditions }) }, outcome);
  }

  #remove() {
    const heads = this.#model.heads();
    const number = this.#oneIn(3) || heads.length === 0 ? this.#any() : this.#pick(heads);
    const outcome = this.#model.commit([[false, number]]);
    this.#record({ do: 'remove', node: number }, errorOf(outcome) ?? outcome.removed.length > 0);
  }

  #batch() {
    const steps = [];
    for (const number of this.#newNodes(this.#random(3))) steps.push([true, number]);
    for (let i = this.#random(4); i > 0; i -= 1) steps.push(...this.#removal());
    if (this.#oneIn(5)) steps.push([true, this.#any()]);
    // One that changes its mind.
    if (this.#oneIn(4) && steps.length > 0) {
      const [inserts, number] = this.#pick(steps);
      steps.push([!inserts, number]);
    }
    const conditions = this.#oneIn(3) ? this.#conditions() : [];
    const batch = { do: 'batch', steps: steps.map(([inserts, number]) => (inserts ? { insert: number } : { remove: number })) };
    if (this.#oneIn(4)) {
      this.#record({ ...batch, end: 'rollback' });
    } else {
      const outcome = this.#model.commit(steps, conditions);
      this.#record({ ...batch, ...(conditions.length > 0 && { conditions }), end: 'commit' }, outcome);
    }
  }

  /** Of a node alone, which may have children; or of a node with all that stands upon it. */
  #removal() {
    const { order } = this.#model;
    const number = order.length === 0 || this.#oneIn(4) ? this.#any() : this.#pick(order.slice(-20));
    const numbers = [number];
    if (!this.#oneIn(3)) {
      for (const next of numbers) numbers.push(...this.#model.childrenOf(next).filter((child) => !numbers.includes(child)));
    }
    return numbers.map((removed) => [false, removed]);
  }

  /** The store is exchanged for another, into which all that was listed has been inserted. */
  #replay() {
    const { order } = this.#model;
    const how = ['one by one', 'at once', 'at once, in reverse'][Math.floor(this.operations.length / 111) % 3];
    this.#model = new Model(this.#sealed);
    if (how === 'one by one') {
      for (const number of order) this.#model.commit([[true, number]]);
    } else {
      const numbers = how === 'at once' ? order : [...order].reverse();
      this.#model.commit(numbers.map((number) => [true, number]));
    }
    this.#record({ do: 'replay', how, order: this.#model.order });
  }

  #look() {
    const ids = [...SCOPES, 'a scope nobody wrote to'];
    const { scopes: hashes } = this.#model.hashes(ids);
    const scopes = ids.map((id, i) => (
      { id, size: this.#model.size(id), heads: this.#model.heads(id), state_hash: hashes[i] }));
    this.#record({ do: 'look', scopes, heads: this.#model.heads(), order: this.#model.order });
  }

  /** Records an operation, what it gives, and what is in the store after it, unless that is what was before. */
  #record(operation, outcome) {
    const { state } = this.#model.hashes([]);
    const changed = state !== this.#state;
    this.#state = state;
    this.operations.push({
      ...operation,
      ...(outcome !== undefined && { gives: outcome }),
      ...(changed && { size: this.#model.size(), state_hash: state }),
    });
  }

  /** Conditions that hold, and now and then one that doesn't. */
  #conditions() {
    const scope = this.#pick(SCOPES);
    const kinds = [
      () => ({ heads: this.#model.heads(scope), scope_id: scope }),
      () => ({ state_hash: this.#model.hashes([]).state }),
      () => ({ absent: this.#newNode() }),
    ];
    const conditions = [this.#pick(kinds)()];
    if (this.#oneIn(3)) {
      const present = this.#pick(this.#model.order);
      conditions.push(this.#oneIn(2) ? { absent: present } : { heads: [present], scope_id: 'a scope nobody wrote to' });
    }
    return conditions;
  }

  /** New nodes, now and then children before their parents. */
  #newNodes(count) {
    const numbers = [];
    while (numbers.length < count) numbers.push(this.#newNode(this.#oneIn(2) ? numbers : []));
    return this.#oneIn(3) ? numbers.reverse() : numbers;
  }

  #newNode(siblings = []) {
    const parents = new Set(siblings.slice(-1));
    for (let i = this.#random(4); i > 0 && this.#model.order.length > 0; i -= 1) {
      // Mostly the latest, as events follow from what came just before.
      const recent = this.#model.order.slice(-8);
      parents.add(this.#pick(this.#oneIn(4) ? this.#model.order : recent));
    }
    // Rarely one that is not there.
    if (this.#oneIn(30) && this.nodes.length > 0) parents.add(this.#random(this.nodes.length));
    const node = {
      content: this.#content(0),
      parents: [...parents],
      event_type: this.#pick(TYPES.slice(0, this.#oneIn(3) ? TYPES.length : 7)),
      scope_id: this.#pick(SCOPES),
      timestamp: this.#oneIn(20) ? this.#pick([0, 2 ** 53 - 1]) : 1735689600000 + this.#random(100_000),
      ...(this.#oneIn(6) && { nonce: this.#bytes(1 + this.#random(8)) }),
    };
    const { block, cid } = seal({ ...node, parents: node.parents.map((number) => ({ '/': this.nodes[number].cid })) });
    const digest = Buffer.from(cid.multihash.digest).toString('hex');
    this.nodes.push({ ...node, cid: cid.toString() });
    this.#sealed.push({ ...node, block, leaf: { ...node, digest } });
    return this.nodes.length - 1;
  }

  #content(depth) {
    const scalars = [
      () => `${this.#pick(TEXTS)} ${this.#random(1000)}`,
      () => this.#pick(TEXTS),
      () => this.#random(1000) - 500,
      () => this.#pick([0, -1, 23, 24, 255, 256, 65_536, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1)]),
      () => ({ '/': { int: this.#pick(['9007199254740992', '18446744073709551615', '-18446744073709551616', '-9007199254740993']) } }),
      () => ({ '/': { float: this.#pick(['3ff8000000000000', '0000000000000001', 'bfb999999999999a', '7fefffffffffffff']) } }),
      () => this.#pick([null, true, false]),
      () => this.#bytes(this.#random(12)),
      () => ({ '/': this.#pick(LINKS) }),
    ];
    const roll = this.#random(10);
    if (depth === 3 || roll < 6) return this.#pick(scalars)();
    const parts = Array.from({ length: this.#random(4) }, () => this.#content(depth + 1));
    if (roll < 8) return parts;
    const keys = ['vote', 'weight', 'größe', '理由', '🌱', 'constructor', 'zz'];
    if (roll < 9) return Object.fromEntries(parts.map((part) => [this.#pick(keys), part]));
    return { '/': { map: [['__proto__', parts], [this.#pick(keys), depth], ['10', 'ten'], ['9', 'nine']] } };
  }

  #bytes(length) {
    const bytes = Buffer.from(Array.from({ length }, () => this.#random(256)));
    return { '/': { bytes: bytes.toString('base64').replace(/=+$/, '') } };
  }

  /** A node that is there; one in ten times one that was there, or is yet to come. */
  #any() {
    const { order } = this.#model;
    if (this.nodes.length === 0) return this.#newNode();
    return order.length === 0 || this.#oneIn(10) ? this.#random(this.nodes.length) : this.#pick(order);
  }

  #pick(list) {
    return list[this.#random(list.length)];
  }

  #oneIn(times) {
    return this.#random(times) === 0;
  }
}

/** The code of an error; nothing where there was none. */
function errorOf(outcome) {
  return typeof outcome === 'string' ? outcome : undefined;
}

export const trace = new Author().write();
