import { attempt, ours } from "./attempt.js";
import { DagStoreError } from "./error.js";
import { instance } from "./instance.js";
import { takeIds } from "./intake.js";
import { Lane } from "./lane.js";
import { borrowEncoder, giveBack } from "./record.js";
import { turn } from "./turn.js";

/**
 * A kind of call: how to write the question about some subject, whom to ask, how to read the answer.
 *
 * @template Subject, T
 * @typedef {object} Call
 * @property {(encoder: Encoder, subject: Subject, limits: object) => void} encode
 * @property {(subject: Subject, limits: object) => Intake} [take] how it is taken in where there may be much of it
 * @property {(wasm: object) => object} [begin] what takes it in within wasm
 * @property {(wasm: object, length: number, subject: Subject, job: object) => boolean} ask tells whether to wait
 * @property {(answer: Answer) => T} read
 * @property {(answer: Answer) => Promise<T>} [readInTurns] where the answer may be long
 * @property {boolean} [waitsForOthers] whether it may wait for what others commit
 */

/**
 * What calls are made on: the connection itself, which stands for the store, or a batch.
 *
 * @typedef {object} Target
 * @property {object} wasm
 * @property {Lane} lane where its writes keep their order
 * @property {Set<Work>} works what takes nodes in for it
 * @property {() => void} assertOpen
 * @property {() => DagStoreError} closedError
 */

const NO_BYTES = new Uint8Array(0);

/** As seldom as a timer can be, in milliseconds. */
const SELDOM_MS = 2 ** 31 - 1;

const readNumber = (answer) => answer.u64();
const SEQUENCE = { encode: nothing, ask: (store) => store.sequence(), read: readNumber };
const REFRESH = { encode: nothing, ask: (store) => store.refresh(), read: readNumber };

/**
 * A store's way into wasm. Its first call loads that; calls made until then wait, and take effect in
 * their order. What a caller hands over is encoded within the call, so it may change afterwards; only of
 * what is long, no more than the first slice is. Once nothing waits, a call goes through at once.
 */
export class Connection {
  limits;
  lane = new Lane();
  works = new Set();
  #instance;
  #store;
  #opening;
  /** How many calls wait for that. */
  #waiting = 0;
  #closing;
  /** The journal that the store is kept in. */
  #host;
  /** What opening the store found. */
  #opened;
  /** Has the journal no longer closed where the instance fails. */
  #detach;
  /** Ends the following of other writers, while there is one. */
  #following;
  /** What must go when the store closes. */
  #batches = new Set();
  /** The reads that are made in parts. */
  #reads = new Set();

  constructor(limits) {
    this.limits = limits;
  }

  /** Whether `close` was called. */
  get closed() {
    return this.#closing !== undefined;
  }

  assertOpen() {
    if (this.closed) throw this.closedError();
  }

  closedError() {
    return new DagStoreError("ERR_CLOSED", "the store is closed");
  }

  /** The store in wasm. */
  get wasm() {
    if (this.#store === undefined) throw this.closedError();
    return this.#store;
  }

  /** What opening the store found in its journal, if it has one. */
  get opened() {
    return this.#opened;
  }

  get host() {
    return this.#host;
  }

  /** Opens the store on a journal, as work. */
  openOn(host, work) {
    const ask = (opening, job) => opening.open(job);
    this.#opening = this.#readFrom(host, work, ask, readOpened).then((opened) => {
      this.#host = host;
      this.#opened = opened;
      const { watch, writers } = host.promises;
      if (watch && writers === "many") this.#follow();
    });
    return this.#opening;
  }

  /** Takes in what others have committed; gives how many commits that were. */
  refresh() {
    return this.make(this, REFRESH);
  }

  /** Waits, as work, until others may have committed something. */
  changed(work) {
    this.works.add(work);
    work.atEnd(() => this.works.delete(work));
    return work.run(async () => {
      this.assertOpen();
      const controller = new AbortController();
      work.atEnd(() => controller.abort());
      this.#keepAlive(work);
      await work.wait(this.#changed(await work.wait(this.sequence()), controller.signal));
    });
  }

  /** The place of the last commit in the store's history. */
  sequence() {
    return this.make(this, SEQUENCE);
  }

  /**
   * A process in which somebody waits for what others commit has something to do, though what looks for that keeps none alive:
   * else one that has forgotten to close its store would never end.
   */
  #keepAlive(work) {
    if (!this.#host?.promises.watch) return;
    const timer = setInterval(nothing, SELDOM_MS);
    work.atEnd(() => clearInterval(timer));
  }

  #changed(sequence, signal) {
    return this.#host?.promises.watch ? this.#host.changed(sequence, signal) : new Promise(nothing);
  }

  /** Takes in what others commit, as soon as it is known of, for as long as the store is open. */
  async #follow() {
    if (this.closed) return;
    this.#following = new AbortController();
    const { signal } = this.#following;
    try {
      for (let sequence = await this.sequence(); !signal.aborted; ) {
        await this.#changed(sequence, signal);
        // A journal may be wrong, again and again.
        await turn();
        const now = signal.aborted ? sequence : await this.sequence();
        if (now === sequence && !signal.aborted) await this.refresh();
        sequence = now;
      }
    } catch {
      // The store was closed; or what is wrong with the journal, the next commit tells.
    }
  }

  /** Saves into the store what can be read from a journal; gives how far that is, and the damage. */
  recoverFrom(host, work) {
    const recovering = this.#readFrom(host, work, (opening) => opening.recover(), readRecovered);
    this.#opening = recovering.then(nothing);
    return recovering;
  }

  #readFrom(host, work, ask, read) {
    return work.run(async () => {
      const entered = await work.wait(instance());
      const { durability, writers, watch, checkpoints, maxAppend = Infinity } = await work.wait(host.open(entered));
      const { Journal, Opening } = entered.glue;
      const promises = [durability === "strict", writers === "many", watch, checkpoints, maxAppend];
      const journal = entered.enter(() => new Journal(host.ask, ...promises));
      const opening = entered.enter(() => new Opening(journal, ...Object.values(this.limits)));
      const detach = entered.atFailure(() => host.abandon());
      try {
        // What is given up while the journal is being read doesn't wait for the journal.
        work.atGivingUp((reason) => host.giveUp(reason));
        const found = await work.finish(entered, (job) => entered.read(entered.enter(() => ask(opening, job)), { read }));
        this.#instance = entered;
        this.#store = entered.enter(() => opening.store());
        this.#detach = detach;
        return found;
      } catch (error) {
        detach();
        throw error;
      } finally {
        entered.free(opening);
        entered.free(journal);
      }
    });
  }

  /**
   * Makes a call; after others in the lane, if one is given.
   *
   * @template Subject, T
   * @param {Target} target
   * @param {Call<Subject, T>} call
   * @param {Subject} subject
   * @param {Lane} [lane]
   * @returns {Promise<T>}
   */
  make(target, call, subject, lane) {
    const encoder = borrowEncoder();
    try {
      target.assertOpen();
      call.encode(encoder, subject, this.limits);
      const { bytes, at } = encoder;
      if (this.#isReady(lane)) return this.#passed(lane, this.#exchange(target, call, subject, bytes, at));
      const copy = bytes.slice(0, at);
      return this.#inOrder(lane, () => this.#exchange(target, call, subject, copy, at));
    } catch (error) {
      return Promise.reject(ours(error));
    } finally {
      giveBack(encoder);
    }
  }

  /** Makes a call as work that the caller may give up. */
  makeFollowed(target, call, subject, work) {
    const question = this.#encode(call, subject);
    return work.run(async () => {
      target.assertOpen();
      if (call.waitsForOthers) this.#keepAlive(work);
      await work.wait(this.#inOrder(undefined, nothing));
      return work.finish(this.#instance, (job) => this.#exchange(target, call, subject, question, question.length, job));
    });
  }

  /** Makes a call that asks this store about another one, which has a connection of its own. */
  makeWithOther(other, call, subject, work) {
    return work.run(async () => {
      this.assertOpen();
      other.assertOpen();
      const opened = [this, other].map((each) => each.#inOrder(undefined, nothing));
      await work.wait(Promise.all(opened));
      // Only one instance lives at a time, so two that live are the same.
      other.#instance.assertAlive();
      return work.finish(this.#instance, (job) => this.#exchange(this, call, subject, NO_BYTES, 0, job));
    });
  }

  #encode(call, subject) {
    const encoder = borrowEncoder();
    try {
      call.encode(encoder, subject, this.limits);
      return encoder.bytes.slice(0, encoder.at);
    } finally {
      giveBack(encoder);
    }
  }

  /** Commits a batch: behind what is being staged, and in its place among the writes of the store. */
  commit(staging, call, how, work) {
    const commit = (job) => this.#exchange(staging, call, how, NO_BYTES, 0, job);
    const finish = () => work.finish(this.#instance, commit);
    return work.run(() => work.wait(this.#go(this.lane, () => staging.lane.pass(finish))));
  }

  /** Makes a call about what there may be much of, such as nodes: `ask` gets all of it together. */
  makeWithMuch(target, call, subject, work) {
    return attempt(() => {
      target.assertOpen();
      work.assertGoing();
      const intake = call.take(subject, this.limits);
      if (!intake.isAsync) intake.readFirst();
      if (!intake.isWhole || work.isFollowed) {
        return work.run(() => this.#takeIn(target, call, subject, intake, work));
      }
      return this.#makeWhole(intake, target.lane, (slice) => this.#exchangeSlice(target, call, subject, slice));
    });
  }

  /** Makes a call about ids, of which there may be many: a question for each slice of them. */
  makeWithIds(call, ids, work) {
    return attempt(() => {
      this.assertOpen();
      work.assertGoing();
      const intake = takeIds(ids, this.limits);
      intake.readFirst();
      const exchange = (slice) => this.#exchange(this, call, ids, slice, slice.length);
      if (intake.isWhole && !work.isFollowed) return this.#makeWhole(intake, undefined, exchange);
      return work.run(async () => {
        work.atEnd(() => intake.close());
        const answers = [];
        for (;;) {
          answers.push(...(await work.wait(this.#inOrder(undefined, () => exchange(intake.slice)))));
          work.tell(intake.count, intake.total);
          if (intake.isWhole) return answers;
          await work.wait(turn());
          intake.read();
        }
      });
    });
  }

  /** Runs what makes an object of wasm, from the store and what is asked. */
  create(run, question = NO_BYTES) {
    return attempt(() => {
      this.assertOpen();
      return this.#inOrder(undefined, () => {
        const { wasm } = this;
        return this.#instance.enter(() => {
          this.#instance.write(question, question.length);
          return run(wasm);
        });
      });
    });
  }

  /** Frees an object of wasm. */
  free(object) {
    this.#instance.free(object);
  }

  /** Has the store closed no earlier than this read, made in parts, has ended. */
  holdOpen(read) {
    const ended = () => this.#reads.delete(read);
    this.#reads.add(read);
    read.then(ended, ended);
    return read;
  }

  /** This store as what calls are made on that it waits for, should it be closing by then. */
  heldOpen() {
    const connection = this;
    return {
      get wasm() {
        return connection.wasm;
      },
      lane: this.lane,
      works: new Set(),
      assertOpen: nothing,
    };
  }

  adopt(batch) {
    this.#batches.add(batch);
  }

  release(batch) {
    this.#batches.delete(batch);
  }

  /** Closes the store, after the calls made before; but what is yet to take its place has come too late. */
  close() {
    this.#closing ??= attempt(() => {
      const targets = [this, ...this.#batches];
      for (const target of targets) {
        for (const work of target.works) if (!work.hasPlace) work.giveUp(target.closedError());
      }
      this.#following?.abort();
      if (this.#opening === undefined) return undefined;
      const close = () => this.#inOrder(undefined, () => this.#close());
      const busy = targets.map(({ lane }) => lane).filter((lane) => !lane.isFree);
      const before = [...busy.map((lane) => lane.pass(nothing)), ...this.#reads];
      return before.length === 0 ? close() : Promise.allSettled(before).then(close);
    });
    return this.#closing;
  }

  async #close() {
    const store = this.wasm;
    this.#store = undefined;
    for (const batch of this.#batches) batch.free();
    const answered = this.#instance.enter(() => store.close());
    this.free(store);
    await this.#instance.read(answered, { read: nothing });
    this.#detach?.();
  }

  /** Whether a call made now has nothing to wait for, in the lane that is given. */
  #isReady(lane) {
    return this.#waiting === 0 && this.#store !== undefined && (lane === undefined || lane.isFree);
  }

  /** Runs a task once there is the store, and after those before it in the lane that is given. */
  #inOrder(lane, task) {
    const enter = () => (this.#isReady() ? task() : this.#wait(task));
    return lane === undefined || lane.isFree ? attempt(enter) : this.#go(lane, enter);
  }

  /**
   * Runs a write in a lane. Through a journal, several are under way at a time, so that they are appended as one group;
   * wasm keeps them in order.
   */
  #go(lane, task) {
    return this.#host === undefined ? lane.pass(task) : lane.begin(task);
  }

  /** What was answered without waiting in a lane; where the answer takes long, others wait there. */
  #passed(lane, answer) {
    if (lane !== undefined && answer instanceof Promise) return this.#go(lane, () => answer);
    return Promise.resolve(answer);
  }

  /** Makes a call whose input is in one slice. */
  #makeWhole(intake, lane, exchange) {
    const { slice } = intake;
    intake.close();
    if (this.#isReady(lane)) return this.#passed(lane, exchange(slice));
    const copy = slice.slice();
    return this.#inOrder(lane, () => exchange(copy));
  }

  #exchange(target, call, subject, bytes, length, job) {
    const { wasm } = target;
    const entered = this.#instance;
    entered.assertAlive();
    let answered;
    try {
      entered.write(bytes, length);
      answered = call.ask(wasm, length, subject, job ?? entered.idleJob);
    } catch (cause) {
      throw entered.fail(cause);
    }
    return entered.read(answered, call);
  }

  /** Makes a call about what is in this slice. */
  #exchangeSlice(target, call, subject, slice) {
    const taken = this.#beginToTake(target, call);
    try {
      this.#push(taken, slice);
      return this.#askAbout(taken, target, call, subject, this.#instance.idleJob);
    } finally {
      this.free(taken);
    }
  }

  /** Takes something in, slice by slice, and makes a call about all of it. */
  async #takeIn(target, call, subject, intake, work) {
    const { lane, works } = target;
    works.add(work);
    work.atEnd(() => works.delete(work));
    work.atEnd(() => intake.close());
    const takeAll = () => this.#takeAll(target, call, intake, work);
    const finish = (taken) =>
      work.finish(this.#instance, (job) => this.#askAbout(taken, target, call, subject, job), intake.count);
    if (!intake.isAsync) {
      work.hasPlace = true;
      return work.wait(lane.pass(async () => finish(await takeAll())));
    }
    // Its place is where its end comes: what gives it may wait for writes of its own until then.
    const taken = await takeAll();
    work.hasPlace = true;
    return work.wait(lane.pass(() => finish(taken)));
  }

  /** Takes all of it into wasm, with turns between the slices. */
  async #takeAll(target, call, intake, work) {
    await work.wait(this.#inOrder(undefined, nothing));
    this.#instance.watch(work);
    const taken = this.#beginToTake(target, call);
    work.atEnd(() => this.free(taken));
    // Each counts twice: now, and when wasm has done with it what the call is about.
    const total = intake.total === undefined ? undefined : 2 * intake.total;
    if (intake.isAsync) await intake.readAsync(work);
    for (;;) {
      work.assertGoing();
      this.#push(taken, intake.slice);
      work.tell(intake.count, total);
      if (intake.isWhole) return taken;
      await work.wait(turn());
      if (intake.isAsync) await intake.readAsync(work);
      else intake.read();
    }
  }

  #beginToTake(target, call) {
    const { wasm } = target;
    return this.#instance.enter(() => call.begin(wasm));
  }

  #push(taken, slice) {
    const entered = this.#instance;
    const pushed = entered.enter(() => {
      entered.write(slice, slice.length);
      return taken.push(slice.length);
    });
    entered.read(pushed, { read: nothing });
  }

  #askAbout(taken, target, call, subject, job) {
    const { wasm } = target;
    const entered = this.#instance;
    return entered.read(entered.enter(() => call.ask(wasm, taken, subject, job)), call);
  }

  #wait(task) {
    this.#waiting++;
    const done = () => this.#waiting--;
    return this.#open().then(
      () => {
        done();
        return task();
      },
      (error) => {
        done();
        throw error;
      },
    );
  }

  #open() {
    this.#opening ??= instance().then(
      (opened) => {
        const { blockBytes, parents, contentDepth, batchOperations, batchBytes, history } = this.limits;
        const { DagStore } = opened.glue;
        this.#instance = opened;
        this.#store = opened.enter(
          () => new DagStore(blockBytes, parents, contentDepth, batchOperations, batchBytes, history),
        );
      },
      (error) => {
        // The next call tries again.
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }
}

function readOpened(answer) {
  const [sequence, checkpoint, commits, bytesCut] = [answer.u64(), answer.u64(), answer.u64(), answer.u64()];
  return Object.freeze(checkpoint === 0 ? { sequence, commits, bytesCut } : { sequence, checkpoint, commits, bytesCut });
}

function readRecovered(answer) {
  const sequence = answer.u64();
  return answer.u8() === 1 ? { sequence, damage: answer.error() } : { sequence };
}

/** For questions that are all in the subject, answers that say nothing, and waiting for nothing more. */
export function nothing() {}
