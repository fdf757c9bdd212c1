import { suite } from "../suite/index.mjs";

/** What came of a cell: of each case of the suite, and of what the cell checks besides. */
export class Results {
  #missing;
  #passed = 0;
  #failures = [];
  #notHere = [];
  #notes = [];
  #absent;

  /** A cell that runs another suite says which; one that runs none says `suite: false`. */
  constructor(cell) {
    const cases = cell.suite ?? suite;
    this.#missing = new Set(cases === false ? [] : cases.map(({ name }) => name));
  }

  /** A case of the suite has ended; see `runSuite` for what is told of it. */
  take({ name, outcome, detail }) {
    if (!this.#missing.delete(name)) this.check(name, "this case is not of the suite, or ran twice");
    else if (outcome === "not here") this.#notHere.push({ name, reason: detail });
    else this.check(name, outcome === "passed" ? undefined : (detail ?? "failed without saying why"));
  }

  /** A check of the cell's own: it passed, unless there is an error. */
  check(name, error) {
    if (error === undefined) this.#passed += 1;
    else this.#failures.push({ name, error: String(error?.stack ?? error) });
  }

  /** Something worth knowing, shown under the table. */
  note(text) {
    this.#notes.push(text);
  }

  /** Nothing of this cell can be had here, for this reason. */
  absent(reason) {
    this.#absent = reason;
    this.#missing.clear();
  }

  /** The whole of it. Every case that didn't run has failed. */
  end() {
    const [first] = this.#missing;
    const failures = [...this.#failures];
    if (first !== undefined) failures.push({ name: first, error: `did not run, nor did ${this.#missing.size - 1} others` });
    return {
      passed: this.#passed,
      failed: this.#failures.length + this.#missing.size,
      failures,
      notHere: this.#notHere,
      notes: this.#notes,
      absent: this.#absent,
    };
  }
}
