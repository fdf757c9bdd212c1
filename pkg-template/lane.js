import { attempt } from "./attempt.js";

/**
 * Where calls go one behind the other. Most are through at once; those that come while one takes many
 * turns wait until it has its answer, and then go in the order they came.
 */
export class Lane {
  /** Settles when the last one is through. */
  #through = Promise.resolve();
  #count = 0;

  /** Whether nobody is before one who comes now. */
  get isFree() {
    return this.#count === 0;
  }

  /** Runs a task when all before it are through; whoever comes later waits until it has begun. */
  begin(task) {
    let outcome;
    return this.pass(() => {
      outcome = attempt(task);
    }).then(() => outcome);
  }

  /** Runs a task when all before it are through; whoever comes later waits until it has settled. */
  pass(task) {
    const outcome = this.isFree ? attempt(task) : this.#through.then(task);
    const leave = () => {
      this.#count--;
    };
    this.#count++;
    this.#through = outcome.then(leave, leave);
    return outcome;
  }
}
