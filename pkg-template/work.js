import { ours } from "./attempt.js";
import { DagStoreError } from "./error.js";
import { readOptions } from "./options.js";

/** The options by which a caller follows a long call, and gives it up. */
export const WORK_OPTIONS = ["signal", "onProgress"];

/** Reads the options of a call that has no others. */
export function readWork(given) {
  return new Work(readOptions(given, "options", WORK_OPTIONS));
}

/**
 * The work of one call that may take many turns. It can be given up, by the caller's signal or because
 * what it works on was freed, closed or has failed; and it tells how far it is.
 */
export class Work {
  /** Whether it has its place among the writes: what closes the store then lets it go first. */
  hasPlace = false;
  /** Who must not be lost while it goes on, though nobody else may hold it. */
  holder;
  #signal;
  #onProgress;
  /** Why it was given up. */
  #reason;
  /** What rejects those that wait within it. */
  #waiting = new Set();
  /** What is to be done when it has ended. */
  #endings = [];
  /** What is to be done when it is given up. */
  #givings = [];
  /** How far it is. */
  #done = 0;
  /** Its part in wasm, where giving it up is a request to the job that may come too late. */
  #inWasm;

  /** @param {Options} options those of the call */
  constructor(options) {
    this.#signal = options.signal("signal");
    this.#onProgress = options.callback("onProgress");
  }

  /** Whether the caller may give it up, or wants to know how far it is. */
  get isFollowed() {
    return this.#signal !== undefined || this.#onProgress !== undefined;
  }

  /** Does the work; the outcome is what the task gives, or one of our errors. */
  async run(task) {
    const giveUp = () => this.#giveUpBySignal();
    try {
      this.assertGoing();
      this.#signal?.addEventListener("abort", giveUp);
      return await task();
    } catch (error) {
      throw ours(error);
    } finally {
      quietly(() => this.#signal?.removeEventListener("abort", giveUp));
      for (const end of this.#endings.splice(0)) end();
    }
  }

  /** Has this done when the work ends, however it ends. */
  atEnd(end) {
    this.#endings.push(end);
  }

  /** Has this done, with the reason, should the work be given up. */
  atGivingUp(end) {
    this.#givings.push(end);
  }

  /** Waits for a Promise, but no longer than until the work is given up. */
  wait(promise) {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const then = (settle) => (outcome) => {
        this.#waiting.delete(reject);
        settle(outcome);
      };
      Promise.resolve(promise).then(then(resolve), then(reject));
    });
  }

  /**
   * Does the rest of it, in wasm.
   *
   * @param {Instance} instance
   * @param {(job: object) => T | Promise<T>} ask
   * @param {number} [steps] how many steps that is; unless given, wasm counts them
   */
  async finish(instance, ask, steps) {
    this.assertGoing();
    instance.watch(this);
    const job = instance.enter(() => new instance.glue.Job());
    this.#inWasm = { instance, job, steps, before: this.#done };
    try {
      const outcome = await ask(job);
      this.tellAgain(true);
      return outcome;
    } catch (error) {
      throw error.code === "ERR_ABORTED" ? this.#reason ?? error : error;
    } finally {
      this.#inWasm.job = undefined;
      instance.free(job);
    }
  }

  /** Throws if the work was given up. */
  assertGoing() {
    if (this.#signal?.aborted) this.#giveUpBySignal();
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Gives it up, for this reason. */
  giveUp(reason) {
    this.#reason ??= reason;
    for (const end of this.#givings.splice(0)) end(this.#reason);
    if (this.#inWasm !== undefined) {
      const { instance, job } = this.#inWasm;
      if (job !== undefined) instance.quietly(() => job.abort());
      return;
    }
    for (const reject of this.#waiting) reject(this.#reason);
    this.#waiting.clear();
  }

  /** Tells the caller how far it is. One that throws gives it up. */
  tell(done, total) {
    this.#tell(done, total);
    this.assertGoing();
  }

  /** Tells the caller how far it is in wasm. */
  tellAgain(isDone = false) {
    const { instance, job, steps, before } = this.#inWasm ?? {};
    if (job === undefined || this.#onProgress === undefined) return;
    let [done, all] = [0, 0];
    instance.quietly(() => ([done, all] = [job.done(), job.total()]));
    const total = steps ?? (all || undefined);
    const part = isDone ? 1 : done / all || 0;
    this.#tell(before + (total === undefined ? done : Math.floor(total * part)), total && before + total);
  }

  #tell(done, total) {
    // Whatever wasm thinks, it never goes back, nor beyond the end.
    this.#done = Math.max(this.#done, Math.min(done, total ?? done));
    const onProgress = this.#onProgress;
    const threw = (cause) => this.giveUp(aborted("onProgress has thrown", cause));
    try {
      const told = onProgress?.(total === undefined ? { done: this.#done } : { done: this.#done, total });
      // An asynchronous one is not waited for, but heard.
      if (told instanceof Promise) told.catch(threw);
    } catch (cause) {
      threw(cause);
    }
  }

  #giveUpBySignal() {
    this.giveUp(aborted("its signal was aborted", this.#signal.reason));
  }
}

function aborted(why, cause) {
  return new DagStoreError("ERR_ABORTED", `the call was given up: ${why}`, { cause });
}

/** Calls what is not ours, when the outcome is settled already. */
function quietly(call) {
  try {
    call();
  } catch {
    // It can't be told to anybody any more.
  }
}
