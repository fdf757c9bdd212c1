import { HAS, SIZE, STATE_HASH, VERIFY } from "./calls.js";
import { readCommit, readCommitInTurns } from "./commit.js";
import { nothing } from "./connection.js";
import { DagStoreError } from "./error.js";
import { takeBlocks } from "./intake.js";
import { packQuery, sizeFor } from "./list.js";
import { readOptions } from "./options.js";
import { packed } from "./packed.js";
import { COMPARE, COUNT } from "./queries.js";
import { turn } from "./turn.js";
import { SEQUENCE } from "./watch.js";
import { WORK_OPTIONS, Work, readWork } from "./work.js";

/** How many nodes a commit of a copy has at most. */
const NODES = 1 << 10;
/** Once the blocks that wait have so many bytes, they are committed. */
const BYTES = 1 << 22;
/** How many bytes of blocks a page has at most, whatever they are. */
const PAGE_BYTES = 1 << 26;
/** How often a copy goes after a store that is written to meanwhile. */
const TRIES = 8;

/** How stores are asked; see `Call` in connection.js. */
const LIST = {
  encode: nothing,
  ask: (store, _, query) => store.list(query),
  read: (answer) => ({ nodes: answer.list((next) => next.named()), cursor: answer.string() || undefined }),
};
const INSERT = {
  take: takeBlocks,
  begin: (store) => store.nodes(),
  ask: (store, taken, { how }, job) => store.insertMany(taken, how, job),
  read: readCommit,
  readInTurns: readCommitInTurns,
};

/** Copies a store into another. */
export function copyTo(from, to, given) {
  const options = readOptions(given, "options", ["verify", ...WORK_OPTIONS]);
  const verify = options.flag("verify");
  const work = new Work(options);
  from.assertOpen();
  to.assertOpen();
  const copy = new Copy(from, to, work);
  return from.holdOpen(to.holdOpen(work.run(() => copy.make(verify))));
}

/** One of the stores of a copy, which stays open until that has ended. */
class Party {
  #connection;
  #work;

  constructor(connection, work) {
    this.#connection = connection;
    this.#work = work;
    this.target = connection.heldOpen();
  }

  get limits() {
    return this.#connection.limits;
  }

  ask(call, subject) {
    return this.#work.wait(this.#connection.make(this.target, call, subject));
  }

  has({ cid }) {
    return this.ask(HAS, cid);
  }

  /** Pages of nodes, in insertion order: those that came after a commit, or all. */
  async *pages(afterCommit, most) {
    let cursor;
    let limit = Math.min(most, 64);
    do {
      const page = await this.ask(LIST, listOf(afterCommit, limit, cursor));
      yield page.nodes;
      const bytes = page.nodes.reduce((sum, { block }) => sum + block.length, 0);
      limit = sizeFor(page.nodes.length, bytes, most);
      ({ cursor } = page);
    } while (cursor !== undefined);
  }

  /** The first node that came after a commit. */
  async firstAfter(commit) {
    for await (const [first] of this.pages(commit, 1)) if (first !== undefined) return first;
    return undefined;
  }

  /** Inserts nodes. Once begun, that is not given up, so that nothing is written after the copy has ended. */
  insert(nodes) {
    const subject = { blocks: nodes.map(({ block }) => block), how: packed([undefined, [], false]) };
    return this.#connection.makeWithMuch(this.target, INSERT, subject, readWork(undefined));
  }

  /** Checks everything, unless the copy is given up. */
  verify() {
    const controller = new AbortController();
    this.#work.atGivingUp(() => controller.abort());
    const work = readWork({ signal: controller.signal });
    return this.#work.wait(this.#connection.makeFollowed(this.target, VERIFY, undefined, work));
  }
}

/** A copy on its way. It works as the one of the Rust crate does. */
class Copy {
  #from;
  #to;
  #work;
  /** How many nodes and bytes were written. */
  #nodes = 0;
  #bytes = 0;
  /** How many nodes there are to be copied, and how many of them it has come by. */
  #total = 0;
  #done = 0;
  /** The state hash of both stores, if they have the same. */
  #stateHash;
  /** The last commit of the source when it was last gone through. */
  #since = 0;
  /** How many nodes a commit has. */
  #most;
  /** What is to be committed next, and how many bytes that is. */
  #waiting = [];
  #waitingBytes = 0;

  constructor(from, to, work) {
    this.#from = new Party(from, work);
    this.#to = new Party(to, work);
    this.#work = work;
    this.#most = Math.max(1, Math.min(NODES, to.limits.batchOperations));
  }

  async make(verify) {
    await this.#fill();
    if (verify) await this.#settle();
    const [nodes, total] = [this.#nodes, this.#total];
    this.#work.tell(total, total);
    return { nodes, bytes: this.#bytes, skipped: Math.max(0, total - nodes), total, stateHash: this.#stateHash };
  }

  /** Copies what is there. */
  async #fill() {
    if (await this.#isSame()) {
      this.#total = await this.#from.ask(SIZE);
      return;
    }
    const place = await this.#place();
    // If it was no copy that ended there, nothing is known about what comes before.
    if (place !== undefined && (await this.#goThroughFrom(place)) && (await this.#isSame())) return;
    await this.#goThrough();
    await this.#isSame();
  }

  /** Goes after what comes, until the stores are the same and verified. */
  async #settle() {
    for (let tries = 0; tries < TRIES; tries++) {
      if (await this.#isSame()) {
        const { stateHash } = await this.#to.verify();
        if (stateHash === this.#stateHash) return;
      } else {
        await this.#assertNoOthers();
        if (!(await this.#goThroughFrom(this.#since))) await this.#goThrough();
      }
    }
    const message =
      "a store has changed again and again while it was copied: all that was there is copied; verify it when nobody writes";
    throw new DagStoreError("ERR_CONTENDED", message);
  }

  /** Whether both stores have the same state hash. */
  async #isSame() {
    const [here, there] = await Promise.all([this.#from, this.#to].map((party) => party.ask(STATE_HASH)));
    this.#stateHash = here === there ? here : undefined;
    return here === there;
  }

  /** Refuses a target that has nodes of its own. */
  async #assertNoOthers() {
    let others;
    try {
      const subject = { other: this.#to.target, scopeId: undefined };
      ({ onlyThere: others } = await this.#from.ask(COMPARE, subject));
    } catch (error) {
      // Somebody writes. If there are others, they are found when nobody does.
      if (error.code === "ERR_CONTENDED") return;
      throw error;
    }
    if (others.length === 0) return;
    const message =
      `all nodes are copied, but the stores are not the same: the other one has ${others.length} more, of which this ` +
      "is the first";
    throw new DagStoreError("ERR_CONDITION_FAILED", message, { cid: others[0] });
  }

  /**
   * The last commit of the source whose following node the target has; `undefined` where there is no such, or the source
   * has forgotten. A target that was being filled in order has all nodes before that.
   */
  async #place() {
    if ((await this.#to.ask(SIZE)) === 0) return undefined;
    let [low, high] = [1, await this.#from.ask(SEQUENCE)];
    let found;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      try {
        const first = await this.#from.firstAfter(middle);
        if (first !== undefined && (await this.#to.has(first))) [found, low] = [middle, middle + 1];
        else high = middle;
      } catch (error) {
        if (error.code !== "ERR_COMPACTED") throw error;
        low = middle + 1;
      }
    }
    return found;
  }

  /** Goes through what came after a commit; tells whether that was the place to begin from. */
  async #goThroughFrom(commit) {
    try {
      await this.#goThrough(commit);
      return true;
    } catch (error) {
      if (error.code === "ERR_MISSING_PARENT" || error.code === "ERR_COMPACTED") return false;
      throw error;
    }
  }

  /** Inserts what is lacking of the nodes that came after a commit, or of all. */
  async #goThrough(afterCommit) {
    this.#since = await this.#from.ask(SEQUENCE);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#total = await this.#from.ask(SIZE);
    this.#done = Math.max(0, this.#total - (await this.#from.ask(COUNT, listOf(afterCommit, 1))));
    this.#tell();
    const most = Math.max(1, Math.min(NODES, Math.floor(PAGE_BYTES / this.#from.limits.blockBytes)));
    let read = 0;
    for await (const nodes of this.#from.pages(afterCommit, most)) {
      const there = await Promise.all(nodes.map((node) => this.#to.has(node)));
      for (const [i, node] of nodes.entries()) {
        if (there[i]) {
          this.#done++;
          continue;
        }
        this.#waiting.push(node);
        this.#waitingBytes += node.block.length;
        if (this.#waiting.length >= this.#most || this.#waitingBytes >= BYTES) await this.#commit();
      }
      this.#tell();
      read += nodes.length;
      if (read < NODES) continue;
      read = 0;
      await this.#work.wait(turn());
    }
    await this.#commit();
  }

  /** Commits what waits: in several commits, if one is more than the target takes. */
  async #commit() {
    let left = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    while (left.length > 0) {
      this.#work.assertGoing();
      const some = left.slice(0, this.#most);
      try {
        // What somebody else has inserted meanwhile was there.
        const inserted = new Set((await this.#to.insert(some)).inserted);
        this.#nodes += inserted.size;
        for (const { cid, block } of some) if (inserted.has(cid)) this.#bytes += block.length;
      } catch (error) {
        if (error.code !== "ERR_LIMIT" || some.length === 1) throw error;
        this.#most = some.length >> 1;
        continue;
      }
      this.#done += some.length;
      left = left.slice(some.length);
      this.#tell();
    }
  }

  #tell() {
    // Some may have come since they were counted.
    this.#total = Math.max(this.#total, this.#done);
    this.#work.tell(this.#done, this.#total);
  }
}

/** A query for the nodes that came after a commit, or for all. */
function listOf(afterCommit, limit, cursor) {
  return packQuery({ afterCommit, limit, cursor, byTime: false, reverse: false });
}
